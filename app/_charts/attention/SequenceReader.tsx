'use client';

import { memo, useMemo } from 'react';
import type { MapSize } from '~/shared/attention';
import { type AttentionSnapshot, answerAt, answerText, rightAt, targetAt } from '~/shared/attentionSnapshot';
import { edges } from './flow';
import type { FocusEvent, Spot } from './focus';
import { type MapTokens, visibleText } from './tokens';

interface SequenceReaderProps {
  snapshot: AttentionSnapshot;
  example: number;
  /** The map whose weights are drawn as lines, [Tq, Tk], and its size. */
  map: Float32Array;
  size: MapSize;
  tokens: MapTokens;
  /** 0 = each query's top key, else the share of a row's weight that its lines must reach. */
  mass: number;
  /** Largest width in CSS pixels; long sequences scroll. */
  width: number;
  lit: Spot | null;
  onFocus: (event: FocusEvent) => void;
}

const rise = 64;
const most = 34;

/** The input below, the answers above, and a line from each query to the keys that it attends to. */
export const SequenceReader = memo(function SequenceReader({
  snapshot,
  example,
  map,
  size,
  tokens,
  mass,
  width,
  lit,
  onFocus,
}: SequenceReaderProps) {
  const { answers } = snapshot;
  const { keys: T } = size;
  const letters = Math.max(...tokens.keys.map((t) => t.text.length), 1);
  const pitch = Math.max(20, 10 + 7 * Math.min(letters, 8), Math.min(most, Math.floor((width - 6) / Math.max(T, answers))));
  const lines = useMemo(() => edges(map, size, mass), [map, size, mass]);
  const places = Array.from({ length: answers }, (_, t) => rightAt(snapshot, example, t));
  const judged = places.filter((right) => right !== null).length;
  const wrong = places.filter((right) => right === false).length;
  const x = (t: number) => (t + 0.5) * pitch;
  const spot = (side: 'query' | 'key', t: number): Spot => {
    const none = { layer: null, head: null, query: null, key: null };
    return tokens.shared ? { ...none, query: t, key: t } : { ...none, [side]: t };
  };
  const isLit = (query: number, key: number) => lit !== null && (lit.query === query || lit.key === key);
  const handlers = (side: 'query' | 'key', t: number) => ({
    onPointerEnter: (e: React.PointerEvent) => e.pointerType !== 'touch' && onFocus({ type: 'hover', spot: spot(side, t) }),
    onPointerLeave: () => onFocus({ type: 'hover', spot: null }),
    onFocus: () => onFocus({ type: 'hover', spot: spot(side, t) }),
    onBlur: () => onFocus({ type: 'hover', spot: null }),
    onClick: () => onFocus({ type: 'click', spot: spot(side, t) }),
  });

  return (
    <div className="min-w-0">
      <p className="mb-1 text-xs text-dim">
        {judged > 0 && (
          <strong className={wrong === 0 ? 'text-good' : 'text-bad'}>
            {judged - wrong}/{judged} right
          </strong>
        )}
        {mass === 0
          ? '; a line joins each answer to the input it looks at most'
          : `; lines carry ${Math.round(mass * 100)} % of each answer's weight`}
      </p>
      <div className="relative overflow-x-auto">
        <div style={{ width: Math.max(T, answers) * pitch + 4 }} className="relative pl-0.5">
          <div className="flex">
            {places.map((right, t) => {
              const [target, answer] = [targetAt(snapshot, example, t), answerAt(snapshot, example, t)];
              const text = (value: number | null) => (value === null ? '–' : visibleText(answerText(snapshot, value)));
              const [label, given] = [text(target), text(answer)];
              const p =
                answer === null ? 0 : snapshot.predictions!.probabilities[(example * answers + t) * snapshot.predictions!.best]!;
              const verdict = right === null ? 'not judged' : right ? 'right' : 'wrong';
              return (
                <button
                  key={t}
                  type="button"
                  {...handlers('query', t)}
                  data-answer={verdict}
                  title={`answer ${t + 1}: ${given}, target ${label}, ${verdict}, probability ${p.toFixed(3)}`}
                  style={{ width: pitch }}
                  className={`relative flex flex-col items-center border-x border-t font-mono text-xs leading-4 ${lit?.query === t ? 'border-ink bg-raised' : 'border-transparent'}`}
                >
                  <span className="sr-only">
                    answer {t + 1}: {given}, target {label}, {verdict}, probability {p.toFixed(2)}
                  </span>
                  <span aria-hidden className="text-[9px] leading-3 text-dim">
                    {t + 1}
                  </span>
                  <span aria-hidden className={right !== false ? 'text-ink' : 'font-bold text-bad line-through'}>
                    {given}
                  </span>
                  <span
                    aria-hidden
                    className={`text-[10px] leading-3 ${right ? 'text-good' : right === null ? 'text-dim' : 'text-bad'}`}
                  >
                    {right ? '✓' : label}
                  </span>
                  <span className="mt-0.5 h-1 w-4/5 bg-raised" aria-hidden>
                    <span
                      className={`block h-full ${right ? 'bg-good' : right === null ? 'bg-dim' : 'bg-bad'}`}
                      style={{ width: `${100 * p}%` }}
                    />
                  </span>
                </button>
              );
            })}
          </div>
          <svg width={Math.max(T, answers) * pitch} height={rise} className="block" aria-hidden>
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
                {...handlers('key', t)}
                title={tokens.keys[t]?.name}
                style={{ width: pitch }}
                className={`relative flex flex-col overflow-hidden items-center border-x border-b font-mono text-xs leading-4 ${lit?.key === t ? 'border-ink bg-raised' : 'border-transparent'}`}
              >
                <span className="sr-only">
                  input {t + 1}: {tokens.keys[t]?.text}
                </span>
                <span aria-hidden>{tokens.keys[t]?.text}</span>
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
