'use client';

import { AxisLeft, AxisTop, type TickRendererProps } from '@visx/axis';
import { scaleBand } from '@visx/scale';
import { memo } from 'react';
import type { FocusEvent, Spot } from './focus';
import type { GridLayout } from './layout';
import type { MapTokens, Token } from './tokens';

/** Longer labels are cut; the tooltip and the readout have the whole text. */
const mostLetters = 7;

interface AxesProps {
  tokens: MapTokens;
  margin: number;
  grid: GridLayout;
  size: { width: number; height: number };
  lit: Spot | null;
  onFocus: (event: FocusEvent) => void;
}

/** Keys along the top, queries down the left, each token with its position. Pointing at a token highlights it in every head. */
export const MapAxes = memo(function MapAxes({ tokens, margin, grid, size, lit, onFocus }: AxesProps) {
  const { flip } = grid;
  const { queries, keys } = grid.rows[0]!;
  const band = (count: number, length: number, reversed: boolean) => {
    const places = Array.from({ length: count }, (_, i) => i);
    return scaleBand<number>({ domain: reversed ? places.reverse() : places, range: [0, length] });
  };
  const pitch = (size.width / keys) as number;
  // Labels that would overlap are left out at regular intervals; every position stays reachable.
  const apart = (of: readonly Token[], across: boolean) =>
    of.some((t) => t.picture)
      ? 16
      : across
        ? Math.max(13, 5 + 6.5 * Math.max(...of.map((t) => Math.min(mostLetters, t.text.length))), of.length > 99 ? 19 : 0)
        : 13;
  const every = (of: readonly Token[], across: boolean) => Math.max(1, Math.ceil(apart(of, across) / pitch));
  const shown = (of: readonly Token[], count: number, across: boolean) =>
    Array.from({ length: count }, (_, i) => i).filter((i) => i % every(of, across) === 0);
  const spot = (t: number, side: 'top' | 'left'): Spot => {
    const one = { layer: null, head: null, query: null, key: null };
    if (tokens.shared) return { ...one, query: t, key: t };
    return side === 'top' ? { ...one, key: t } : { ...one, query: t };
  };
  // visx calls this as a function, once per tick.
  const tick =
    (side: 'top' | 'left') =>
    ({ x, y, formattedValue }: TickRendererProps) => {
      const place = Number(formattedValue);
      const of = side === 'top' ? tokens.keys : tokens.queries;
      const token = of[place];
      const on = (side === 'top' ? lit?.key : lit?.query) === place;
      return (
        token && (
          <TokenMark key={place} {...{ token, place, x, y, side, on }} pitch={Math.min(pitch * every(of, side === 'top'), 30)} />
        )
      );
    };
  const common = { hideAxisLine: true, hideTicks: true, tickFormat: (t: number) => String(t), tickLength: 0 };
  const at = (event: React.MouseEvent): Spot | null => {
    const box = event.currentTarget.getBoundingClientRect();
    const [x, y] = [event.clientX - box.left - margin, event.clientY - box.top - margin];
    if (x < 0 === y < 0) return null;
    const t = Math.floor(x >= 0 ? (x / size.width) * keys : (y / size.height) * queries);
    const place = y >= 0 && flip ? queries - 1 - t : t;
    const side = y < 0 ? 'top' : 'left';
    return place >= 0 && place < (side === 'top' ? keys : queries) ? spot(place, side) : null;
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
        tickValues={shown(tokens.keys, keys, true)}
        tickComponent={tick('top')}
        {...common}
      />
      <AxisLeft
        top={margin}
        left={margin}
        scale={band(queries, size.height, flip)}
        tickValues={shown(tokens.queries, queries, false)}
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
        {token.target && <rect x={left} y={top} width={edge} height={edge} className="fill-none stroke-warn" strokeWidth={2} />}
        {on && (
          <rect x={left - 2} y={top - 2} width={edge + 4} height={edge + 4} className="fill-none stroke-ink" strokeWidth={1.5} />
        )}
      </g>
    );
  }
  const small = pitch < 18;
  const [left, top] = side === 'top' ? [x, y - 13] : [x - 12, y + 4];
  const wrong = token.right === false;
  return (
    <g className={on ? 'fill-ink' : 'fill-ink/85'}>
      <text
        x={left}
        y={top}
        textAnchor={side === 'top' ? 'middle' : 'end'}
        className={`font-mono ${small ? 'text-[10px]' : 'text-xs'} ${on ? 'font-bold' : ''} ${wrong ? 'fill-bad' : ''}`}
      >
        {token.text.length > mostLetters ? `${token.text.slice(0, mostLetters - 1)}…` : token.text}
      </text>
      {/* The position, since digits repeat; a cross where the answer is wrong. */}
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
