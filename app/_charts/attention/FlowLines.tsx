import { memo, useLayoutEffect, useMemo, useRef } from 'react';
import { usePalette } from '~/app/_charts/palette';
import { clearedPen } from '~/app/_charts/useDrawing';
import type { MapSize } from '~/shared/attention';
import { type Edge, edges } from './flow';
import type { FocusEvent, Spot } from './focus';
import { placeIn, pointing } from './pointing';
import { TokenMark } from './TokenMark';
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
  const { ink, accent, dim } = usePalette();
  const canvas = useRef<HTMLCanvasElement>(null);
  /** Number of nodes per level: the inputs, then each layer's outputs. */
  const levels = useMemo(() => [layers[0]?.keys ?? 0, ...layers.map((l) => l.queries)], [layers]);
  const size = Math.max(...levels);
  const pictures = [...inputs, ...outputs].some((t) => t.picture);
  const pitch = Math.max(4, Math.min(pictures ? 32 : 22, Math.floor(440 / size)));
  const height = top + size * pitch + 2;
  const lines = useMemo(() => layers.map((l) => edges(l.map, l, mass)), [layers, mass]);
  const columns = layers.length + 1;
  const x = (level: number) => side + (level * (width - 2 * side)) / Math.max(1, columns - 1);
  const y = (t: number) => top + (t + 0.5) * pitch;

  // biome-ignore lint/correctness/useExhaustiveDependencies: `x` and `y` depend on width, pitch and columns.
  useLayoutEffect(() => {
    const context = clearedPen(canvas.current, width, height)?.pen;
    if (!context) return;
    const node = Math.min(5, pitch / 2 - 0.5);
    const curved = lines.reduce((n, l) => n + l.length, 0) <= mostCurves;
    const isLit = (e: Edge) => lit !== null && (lit.query === e.query || lit.key === e.key);
    const some = lit !== null && (lit.query !== null || lit.key !== null);
    for (const bright of [false, true])
      for (const [n, list] of lines.entries()) {
        const [from, to] = [x(n) + node, x(n + 1) - node];
        const middle = (from + to) / 2;
        for (const e of list) {
          if (isLit(e) !== bright) continue;
          context.strokeStyle = bright ? accent : ink;
          context.globalAlpha = some && !bright ? 0.06 : Math.min(1, 0.05 + 0.85 * Math.sqrt(e.weight));
          context.lineWidth = 0.5 + 2.5 * e.weight;
          context.beginPath();
          context.moveTo(from, y(e.key));
          if (curved) context.bezierCurveTo(middle, y(e.key), middle, y(e.query), to, y(e.query));
          else context.lineTo(to, y(e.query));
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
        context.arc(x(level), y(t), node, 0, 2 * Math.PI);
        context.strokeStyle = dim;
        context.lineWidth = 1;
        if (node > 2) context.stroke();
        if (!share && node > 2) continue;
        context.beginPath();
        context.arc(x(level), y(t), share ? node * Math.sqrt(share[t]! / (most || 1)) : node, 0, 2 * Math.PI);
        context.fillStyle = share ? accent : dim;
        context.fill();
      }
    }
  }, [lines, lit, shares, width, height, pitch, levels, columns, ink, accent, dim]);

  const every = Math.max(1, Math.ceil(12 / pitch));
  const spotAt = (event: React.MouseEvent): Spot | null => {
    const t = Math.floor((placeIn(event)[1] - top) / pitch);
    return t >= 0 && t < size ? { layer: null, head: null, query: t, key: t } : null;
  };
  return (
    <div
      role="img"
      aria-label={`flow through ${layers.length} layers of ${size} tokens, ${lines.reduce((n, l) => n + l.length, 0)} lines`}
      className="relative select-none"
      style={{ width, height }}
      data-testid="flow"
      {...pointing(spotAt, onFocus)}
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
        {(['left', 'right'] as const).map((side) => {
          const [tokens, level] = side === 'left' ? [inputs, 0] : [outputs, columns - 1];
          return tokens.slice(0, levels[level]).map((token, t) => {
            const on = (side === 'left' ? lit?.key : lit?.query) === t;
            if (t % every !== 0 && !on) return null;
            const at = x(level) + (side === 'left' ? -6 : 6);
            return (
              <TokenMark
                key={`${t}${side}`}
                {...{ token, side, on }}
                place={t}
                x={at}
                y={y(t)}
                pitch={Math.min(17, pitch * every)}
              />
            );
          });
        })}
      </svg>
    </div>
  );
});
