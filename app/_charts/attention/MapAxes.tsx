import { memo } from 'react';
import type { MapSize } from '~/shared/attention';
import type { Spot } from './focus';
import type { MapProps, MapView } from './mapProps';
import { placeIn, pointing } from './pointing';
import { labelsWidth, TokenMark } from './TokenMark';
import type { Token } from './tokens';

type AxesProps = MapSize & Pick<MapProps, 'tokens' | 'flip' | 'lit' | 'onFocus'> & { view: MapView; margin: number };
type Side = 'queries' | 'keys';

/** Space that a label needs along its axis. */
const lengthOf = (tokens: readonly Token[], side: Side): number => {
  if (tokens.some((t) => t.picture)) return 16;
  if (side === 'queries') return 13;
  return Math.max(13, 5 + labelsWidth(tokens), tokens.length > 99 ? 19 : 0);
};
/** Labels that would overlap are left out at regular intervals; every position stays reachable. */
const intervalFor = (cells: number) => [1, 2, 5, 10, 20, 50, 100, 200, 500].find((n) => n >= cells) ?? 1000;

/** Keys along the top, queries down the left, each token with its position. Pointing at a token highlights it in every head. */
export const MapAxes = memo(function MapAxes({ queries, keys, tokens, view, margin, flip, lit, onFocus }: AxesProps) {
  const { width, height, pitch, boxOf } = view;
  const marks = (side: Side, count: number) => {
    const every = intervalFor(lengthOf(tokens[side], side) / pitch[side]);
    return Array.from({ length: count }, (_, place) => {
      const token = tokens[side][place];
      if (!token || (place + 1) % every !== 0) return null;
      const box = side === 'keys' ? boxOf(null, place) : boxOf(place, null);
      const [x, y] = [box.x + box.width / 2, box.y + box.height / 2];
      if (side === 'keys' ? x < 0 || x > width : y < 0 || y > height) return null;
      const on = (side === 'keys' ? lit?.key : lit?.query) === place;
      const at = side === 'keys' ? { x: margin + x, y: margin } : { x: margin, y: margin + y };
      return (
        <TokenMark
          key={place}
          {...at}
          {...{ token, place, on }}
          side={side === 'keys' ? 'top' : 'left'}
          pitch={Math.min(pitch[side] * every, 30)}
        />
      );
    });
  };
  const spotAt = (event: React.MouseEvent): Spot | null => {
    const [x, y] = placeIn(event).map((v) => v - margin) as [number, number];
    const cell = x < 0 === y < 0 ? null : view.cellAt(Math.max(0, x), Math.max(0, y));
    if (!cell) return null;
    const none = { layer: null, head: null, query: null, key: null };
    const place = y < 0 ? cell.key : cell.query;
    return tokens.shared ? { ...none, query: place, key: place } : { ...none, [y < 0 ? 'key' : 'query']: place };
  };
  return (
    <svg
      width={width + margin + 2}
      height={height + margin}
      className="absolute inset-0 overflow-visible"
      aria-hidden
      {...pointing(spotAt, onFocus)}
    >
      <rect width={width + margin} height={height + margin} className="fill-transparent" />
      {marks('keys', keys)}
      {marks('queries', queries)}
      <text x={margin + width / 2} y={8} textAnchor="middle" className="fill-dim text-[9px]">
        keys →
      </text>
      <text transform={`translate(8 ${margin + height / 2}) rotate(-90)`} textAnchor="middle" className="fill-dim text-[9px]">
        {flip ? 'queries →' : '← queries'}
      </text>
    </svg>
  );
});
