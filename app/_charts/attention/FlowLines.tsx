'use client';

import { memo, useLayoutEffect, useMemo, useRef } from 'react';
import type { MapSize } from '~/shared/attention';
import { type Edge, edges } from './flow';
import type { FocusEvent, Spot } from './focus';
import type { Token } from './tokens';

export interface FlowLayer extends MapSize {
  layer: number;
  name: string;
  /** [queries, keys] */
  map: Float32Array;
}

interface FlowLinesProps {
  /** Mean map of the heads shown, per layer, lowest first. A layer has one key per query of the layer below. */
  layers: readonly FlowLayer[];
  /** Share of each row that its lines carry. */
  mass: number;
  /** Per level, inputs first: how much weight reaches each node; null = not shown. */
  shares: readonly ArrayLike<number>[] | null;
  /** Tokens of the inputs; below, of the last layer's outputs. */
  inputs: readonly Token[];
  outputs: readonly Token[];
  lit: Spot | null;
  width: number;
  onFocus: (event: FocusEvent) => void;
}

const side = 44;
const top = 18;
/** With more lines than this they are straight. */
const mostCurves = 6000;

/** Tokens as columns of nodes, inputs left, each layer's outputs to its right; lines join every query to the keys with most of its weight. */
export const FlowLines = memo(function FlowLines(props: FlowLinesProps) {
  const { layers, mass, shares, inputs, outputs, lit, width, onFocus } = props;
  const canvas = useRef<HTMLCanvasElement>(null);
  /** Number of nodes per level: the inputs, then each layer's outputs. */
  const levels = useMemo(() => [layers[0]?.keys ?? 0, ...layers.map((l) => l.queries)], [layers]);
  const size = Math.max(...levels);
  const pictures = [...inputs, ...outputs].some((t) => t.picture);
  const pitch = Math.max(4, Math.min(pictures ? 32 : 22, Math.floor(440 / size)));
  const height = top + size * pitch + 2;
  const lines = useMemo(() => layers.map((l) => edges(l.map, l, mass)), [layers, mass]);
  const columns = layers.length + 1;
  const x = (level: number) => side + (columns === 1 ? 0 : (level * (width - 2 * side)) / (columns - 1));
  const y = (t: number) => top + (t + 0.5) * pitch;

  useLayoutEffect(() => {
    const element = canvas.current;
    const context = element?.getContext('2d');
    if (!element || !context) return;
    const ratio = window.devicePixelRatio || 1;
    element.width = Math.round(width * ratio);
    element.height = Math.round(height * ratio);
    context.scale(ratio, ratio);
    const style = getComputedStyle(element);
    const [ink, accent, dim] = ['ink', 'accent', 'dim'].map((c) => style.getPropertyValue(`--color-${c}`)) as [
      string,
      string,
      string,
    ];
    const node = Math.min(5, pitch / 2 - 0.5);
    const xAt = (level: number) => side + (level * (width - 2 * side)) / Math.max(1, columns - 1);
    const yAt = (t: number) => top + (t + 0.5) * pitch;
    const curved = lines.reduce((n, l) => n + l.length, 0) <= mostCurves;
    const isLit = (e: Edge) => lit !== null && (lit.query === e.query || lit.key === e.key);
    const some = lit !== null && (lit.query !== null || lit.key !== null);
    for (const bright of [false, true])
      for (const [n, list] of lines.entries()) {
        const [from, to] = [xAt(n) + node, xAt(n + 1) - node];
        const middle = (from + to) / 2;
        for (const e of list) {
          if (isLit(e) !== bright) continue;
          context.strokeStyle = bright ? accent : ink;
          context.globalAlpha = some && !bright ? 0.06 : Math.min(1, 0.05 + 0.85 * Math.sqrt(e.weight));
          context.lineWidth = 0.5 + 2.5 * e.weight;
          context.beginPath();
          context.moveTo(from, yAt(e.key));
          if (curved) context.bezierCurveTo(middle, yAt(e.key), middle, yAt(e.query), to, yAt(e.query));
          else context.lineTo(to, yAt(e.query));
          context.stroke();
        }
      }
    context.globalAlpha = 1;
    for (let level = 0; level < columns; level++) {
      // The filled area of a node is its share, relative to the largest share of its level.
      const share = shares?.[level];
      const most = share ? Math.max(...Array.from(share)) : 1;
      for (let t = 0; t < levels[level]!; t++) {
        context.beginPath();
        context.arc(xAt(level), yAt(t), node, 0, 2 * Math.PI);
        context.strokeStyle = dim;
        context.lineWidth = 1;
        if (node > 2) context.stroke();
        if (!share && node > 2) continue;
        context.beginPath();
        context.arc(xAt(level), yAt(t), share ? node * Math.sqrt(share[t]! / (most || 1)) : node, 0, 2 * Math.PI);
        context.fillStyle = share ? accent : dim;
        context.fill();
      }
    }
  }, [lines, lit, shares, width, height, pitch, levels, columns]);

  const every = Math.max(1, Math.ceil(12 / pitch));
  const spotAt = (event: React.MouseEvent): Spot | null => {
    const t = Math.floor((event.clientY - event.currentTarget.getBoundingClientRect().top - top) / pitch);
    return t >= 0 && t < size ? { layer: null, head: null, query: t, key: t } : null;
  };
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: the large map pins tokens by key; the table has the numbers.
    <div
      role="img"
      aria-label={`flow through ${layers.length} layers of ${size} tokens, ${lines.reduce((n, l) => n + l.length, 0)} lines`}
      className="relative select-none"
      style={{ width, height }}
      data-testid="flow"
      onPointerMove={(e) => e.pointerType !== 'touch' && onFocus({ type: 'hover', spot: spotAt(e) })}
      onPointerLeave={() => onFocus({ type: 'hover', spot: null })}
      onClick={(e) => onFocus({ type: 'click', spot: spotAt(e) })}
    >
      <canvas ref={canvas} className="absolute inset-0" style={{ width, height }} aria-hidden />
      <svg width={width} height={height} className="pointer-events-none absolute inset-0" aria-hidden>
        {Array.from({ length: columns }, (_, level) => (
          <text
            key={level}
            x={x(level)}
            y={10}
            textAnchor={level === 0 ? 'start' : level === columns - 1 ? 'end' : 'middle'}
            dx={level === 0 ? -side : level === columns - 1 ? side : 0}
            className="fill-dim text-[10px]"
          >
            {level === 0 ? 'inputs' : layers[level - 1]!.name}
          </text>
        ))}
        {[inputs, outputs].map((tokens, end) =>
          tokens.slice(0, levels[end === 0 ? 0 : columns - 1]).map((token, t) => {
            const left = end === 0;
            const on = left ? lit?.key === t : lit?.query === t;
            if (t % every !== 0 && !on) return null;
            const at = x(left ? 0 : columns - 1) + (left ? -12 : 12);
            if (token.picture) {
              const edge = Math.min(26, pitch - 3);
              return (
                <image
                  key={`${t}.${end}`}
                  href={token.picture}
                  x={left ? at - edge : at}
                  y={y(t) - edge / 2}
                  width={edge}
                  height={edge}
                  opacity={lit && !on ? 0.5 : 1}
                  style={{ imageRendering: 'pixelated' }}
                />
              );
            }
            return (
              <text
                key={`${t}.${end}`}
                x={at}
                y={y(t)}
                dy="0.32em"
                textAnchor={left ? 'end' : 'start'}
                className={`font-mono text-[10px] ${on ? 'fill-ink font-bold' : 'fill-ink/80'}`}
              >
                {token.text.slice(0, 5)}
                <tspan className="fill-dim text-[7px]"> {t + 1}</tspan>
              </text>
            );
          }),
        )}
      </svg>
    </div>
  );
});
