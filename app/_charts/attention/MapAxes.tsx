'use client';

import { AxisLeft, AxisTop, type TickRendererProps } from '@visx/axis';
import { scaleBand } from '@visx/scale';
import { memo } from 'react';
import type { FocusEvent, Spot } from './focus';
import type { GridLayout } from './layout';
import type { Token } from './tokens';

interface AxesProps {
  tokens: readonly Token[];
  margin: number;
  grid: GridLayout;
  size: { width: number; height: number };
  lit: Spot | null;
  onFocus: (event: FocusEvent) => void;
}

/** Keys along the top, queries down the left, each token with its place. Pointing at one lights it in every head. */
export const MapAxes = memo(function MapAxes({ tokens, margin, grid, size, lit, onFocus }: AxesProps) {
  const { queries, keys, flip } = grid;
  const band = (count: number, length: number, reversed: boolean) => {
    const places = Array.from({ length: count }, (_, i) => i);
    return scaleBand<number>({ domain: reversed ? places.reverse() : places, range: [0, length] });
  };
  const pitch = (size.width / keys) as number;
  // Labels that would touch are left out, evenly; every place stays reachable.
  const every = Math.max(1, Math.ceil((tokens.some((t) => t.picture) ? 16 : keys > 99 ? 19 : 13) / pitch));
  const shown = (count: number) => Array.from({ length: count }, (_, i) => i).filter((i) => i % every === 0);
  const spot = (t: number): Spot => ({ layer: null, head: null, query: t < queries ? t : null, key: t < keys ? t : null });
  // visx calls this as a function, once per tick.
  const tick =
    (side: 'top' | 'left') =>
    ({ x, y, formattedValue }: TickRendererProps) => {
      const place = Number(formattedValue);
      const token = tokens[place];
      const on = (side === 'top' ? lit?.key : lit?.query) === place;
      return token && <TokenMark key={place} {...{ token, place, x, y, side, on }} pitch={Math.min(pitch * every, 30)} />;
    };
  const common = { hideAxisLine: true, hideTicks: true, tickFormat: (t: number) => String(t), tickLength: 0 };
  const at = (event: React.MouseEvent): Spot | null => {
    const box = event.currentTarget.getBoundingClientRect();
    const [x, y] = [event.clientX - box.left - margin, event.clientY - box.top - margin];
    if (x < 0 === y < 0) return null;
    const t = Math.floor(x >= 0 ? (x / size.width) * keys : (y / size.height) * queries);
    const place = y >= 0 && flip ? queries - 1 - t : t;
    return place >= 0 && place < tokens.length ? spot(place) : null;
  };
  return (
    <svg
      width={size.width + margin + 2}
      height={size.height + margin}
      className="absolute inset-0 overflow-visible"
      aria-hidden
      onPointerMove={(e) => e.pointerType !== 'touch' && onFocus({ type: 'hover', spot: at(e) })}
      onPointerLeave={() => onFocus({ type: 'hover', spot: null })}
      onClick={(e) => onFocus({ type: 'click', spot: at(e) })}
    >
      <rect width={size.width + margin} height={size.height + margin} className="fill-transparent" />
      <AxisTop
        top={margin}
        left={margin}
        scale={band(keys, size.width, false)}
        tickValues={shown(keys)}
        tickComponent={tick('top')}
        {...common}
      />
      <AxisLeft
        top={margin}
        left={margin}
        scale={band(queries, size.height, flip)}
        tickValues={shown(queries)}
        tickComponent={tick('left')}
        {...common}
      />
      <text x={margin + size.width / 2} y={8} textAnchor="middle" className="fill-dim text-[9px]">
        keys →
      </text>
      <text
        transform={`translate(8 ${margin + size.height / 2}) rotate(-90)`}
        textAnchor="middle"
        className="fill-dim text-[9px]"
      >
        {flip ? 'queries →' : '← queries'}
      </text>
    </svg>
  );
});

interface MarkProps {
  token: Token;
  place: number;
  x: number;
  y: number;
  side: 'top' | 'left';
  pitch: number;
  on: boolean;
}

function TokenMark({ token, place, x, y, side, pitch, on }: MarkProps) {
  if (token.picture) {
    const edge = Math.max(10, Math.min(26, pitch - 2));
    const [left, top] = side === 'top' ? [x - edge / 2, y - edge - 3] : [x - edge - 3, y - edge / 2];
    return (
      <g>
        <image href={token.picture} x={left} y={top} width={edge} height={edge} style={{ imageRendering: 'pixelated' }} />
        {token.picked && (
          <rect
            x={left - 1.5}
            y={top - 1.5}
            width={edge + 3}
            height={edge + 3}
            rx={edge / 3}
            className="fill-none stroke-accent"
            strokeWidth={1.5}
            strokeDasharray="3 2"
          />
        )}
        {token.odd && <rect x={left} y={top} width={edge} height={edge} className="fill-none stroke-warn" strokeWidth={2} />}
        {on && (
          <rect x={left - 2} y={top - 2} width={edge + 4} height={edge + 4} className="fill-none stroke-ink" strokeWidth={1.5} />
        )}
      </g>
    );
  }
  const small = pitch < 18;
  const [left, top] = side === 'top' ? [x, y - 13] : [x - 17, y + 4];
  const wrong = token.right === false;
  return (
    <g className={on ? 'fill-ink' : 'fill-ink/85'}>
      <text
        x={left}
        y={top}
        textAnchor="middle"
        className={`font-mono ${small ? 'text-[10px]' : 'text-xs'} ${on ? 'font-bold' : ''} ${wrong ? 'fill-bad' : ''}`}
      >
        {token.text}
      </text>
      {/* The place, since digits repeat; a cross where the answer is wrong. */}
      <text
        x={side === 'top' ? x : x - 2}
        y={side === 'top' ? y - 3 : y + 3}
        textAnchor={side === 'top' ? 'middle' : 'end'}
        className={`text-[7px] ${wrong ? 'fill-bad' : 'fill-dim'}`}
      >
        {wrong ? '✗' : token.text === String(place + 1) ? '' : place + 1}
      </text>
    </g>
  );
}
