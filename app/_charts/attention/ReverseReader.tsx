'use client';

import { memo, useMemo } from 'react';
import type { AttentionSnapshot } from '~/shared/attentionSnapshot';
import { edges } from './flow';
import type { FocusEvent, Spot } from './focus';

interface ReverseReaderProps {
  snapshot: AttentionSnapshot;
  example: number;
  /** The map whose weights are the lines, [Tq, Tk]. */
  map: Float32Array;
  /** 0 = each query's top key, else the share of a row's weight that its lines must reach. */
  mass: number;
  /** CSS pixels to fill at most; long sequences scroll. */
  width: number;
  lit: Spot | null;
  onFocus: (event: FocusEvent) => void;
}

const rise = 64;
const most = 34;

/** What went in, what came out, and whom each answer looked at: inputs below, answers above, a line from each query to its key. */
export const ReverseReader = memo(function ReverseReader({
  snapshot,
  example,
  map,
  mass,
  width,
  lit,
  onFocus,
}: ReverseReaderProps) {
  const { keys: T, answers, choices } = snapshot;
  const pitch = Math.max(20, Math.min(most, Math.floor((width - 6) / T)));
  const lines = useMemo(() => edges(map, snapshot, mass), [map, snapshot, mass]);
  const at = example * answers;
  const wrong = countWrong(snapshot, example);
  const x = (t: number) => (t + 0.5) * pitch;
  const spot = (t: number): Spot => ({ layer: null, head: null, query: t, key: t });
  const isLit = (query: number, key: number) => lit !== null && (lit.query === query || lit.key === key);
  const handlers = (t: number) => ({
    onPointerEnter: (e: React.PointerEvent) => e.pointerType !== 'touch' && onFocus({ type: 'hover', spot: spot(t) }),
    onPointerLeave: () => onFocus({ type: 'hover', spot: null }),
    onFocus: () => onFocus({ type: 'hover', spot: spot(t) }),
    onBlur: () => onFocus({ type: 'hover', spot: null }),
    onClick: () => onFocus({ type: 'click', spot: spot(t) }),
  });

  return (
    <div className="min-w-0">
      <p className="mb-1 text-xs text-dim">
        <strong className={wrong === 0 ? 'text-good' : 'text-bad'}>
          {answers - wrong}/{answers} right
        </strong>
        {mass === 0
          ? '; a line joins each answer to the input it looks at most'
          : `; lines carry ${Math.round(mass * 100)} % of each answer's weight`}
      </p>
      <div className="overflow-x-auto">
        <div style={{ width: T * pitch + 4 }} className="relative pl-0.5">
          <div className="flex">
            {Array.from({ length: T }, (_, t) => {
              const [label, given] = [snapshot.labels[at + t]!, snapshot.predictions[at + t]!];
              const p = snapshot.probabilities[(at + t) * choices + given]!;
              const right = label === given;
              return (
                <button
                  key={t}
                  type="button"
                  {...handlers(t)}
                  data-answer={right ? 'right' : 'wrong'}
                  title={`answer ${t + 1}: ${given}, target ${label}, ${right ? 'right' : 'wrong'}, probability ${p.toFixed(3)}`}
                  style={{ width: pitch }}
                  className={`relative flex flex-col items-center border-x border-t font-mono text-xs leading-4 ${lit?.query === t ? 'border-ink bg-raised' : 'border-transparent'}`}
                >
                  <span className="sr-only">
                    answer {t + 1}: {given}, target {label}, {right ? 'right' : 'wrong'}, probability {p.toFixed(2)}
                  </span>
                  <span aria-hidden className="text-[9px] leading-3 text-dim">
                    {t + 1}
                  </span>
                  <span aria-hidden className={right ? 'text-ink' : 'font-bold text-bad line-through'}>
                    {given}
                  </span>
                  <span aria-hidden className={`text-[10px] leading-3 ${right ? 'text-good' : 'text-bad'}`}>
                    {right ? '✓' : label}
                  </span>
                  <span className="mt-0.5 h-1 w-4/5 bg-raised" aria-hidden>
                    <span className={`block h-full ${right ? 'bg-good' : 'bg-bad'}`} style={{ width: `${100 * p}%` }} />
                  </span>
                </button>
              );
            })}
          </div>
          <svg width={T * pitch} height={rise} className="block" aria-hidden>
            {lines.map(({ query, key, weight }) => (
              <line
                key={`${query}.${key}`}
                data-edge={`${query}.${key}`}
                x1={x(query)}
                y1={2}
                x2={x(key)}
                y2={rise - 2}
                className={isLit(query, key) ? 'stroke-accent' : 'stroke-ink'}
                strokeWidth={0.5 + 2.5 * weight}
                strokeOpacity={
                  lit && (lit.query !== null || lit.key !== null) && !isLit(query, key) ? 0.07 : 0.15 + 0.75 * weight
                }
              />
            ))}
          </svg>
          <div className="flex">
            {Array.from({ length: T }, (_, t) => (
              <button
                key={t}
                type="button"
                {...handlers(t)}
                style={{ width: pitch }}
                className={`flex flex-col items-center border-x border-b font-mono text-xs leading-4 ${lit?.key === t ? 'border-ink bg-raised' : 'border-transparent'}`}
              >
                <span className="sr-only">
                  input {t + 1}: {snapshot.inputs[example * T + t]}
                </span>
                <span aria-hidden>{snapshot.inputs[example * T + t]}</span>
                <span aria-hidden className="text-[9px] leading-3 text-dim">
                  {t + 1}
                </span>
              </button>
            ))}
          </div>
        </div>
      </div>
    </div>
  );
});

function countWrong(s: AttentionSnapshot, example: number): number {
  let n = 0;
  for (let t = 0; t < s.answers; t++) if (s.labels[example * s.answers + t] !== s.predictions[example * s.answers + t]) n++;
  return n;
}
