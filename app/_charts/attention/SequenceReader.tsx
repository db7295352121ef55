import { memo, useMemo } from 'react';
import { cut } from '~/app/_charts/format';
import { answerAt, answerText, targetAt } from '~/shared/aboutSnapshot';
import type { MapSize } from '~/shared/attention';
import type { AttentionSnapshot } from '~/shared/attentionSnapshot';
import { edges } from './flow';
import type { FocusEvent, Spot } from './focus';
import { pointingAt } from './pointing';
import { type MapTokens, visibleText } from './tokens';
import { judge, textClass, verdictOf } from './verdict';

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
const fill = 'linear-gradient(currentColor, currentColor)';
/** Longer labels are cut; the tooltip has the whole text. */
const mostLetters = 8;
const clipped = (text: string) => cut(text, mostLetters);

/**
 * The input below, the answers above, and a line from each query to the keys that it attends to. Titles are the names of the buttons:
 * a hidden text in each of hundreds of them would cost the browser a clip of its own to draw.
 */
export const SequenceReader = memo(function SequenceReader(props: SequenceReaderProps) {
  const { snapshot, example, map, size, tokens, mass, width, lit, onFocus } = props;
  const { answers } = snapshot;
  const { keys: T } = size;
  const letters = Math.max(...tokens.keys.map((t) => t.text.length), 1);
  const pitch = Math.max(
    20,
    10 + 7 * Math.min(letters, mostLetters),
    Math.min(most, Math.floor((width - 6) / Math.max(T, answers))),
  );
  const lines = useMemo(() => edges(map, size, mass), [map, size, mass]);
  const { answers: verdicts, right: rights, judged } = judge(snapshot, example);
  const x = (t: number) => (t + 0.5) * pitch;
  const isLit = (query: number, key: number) => lit !== null && (lit.query === query || lit.key === key);
  const some = lit !== null && (lit.query !== null || lit.key !== null);

  return (
    <div className="min-w-0">
      <p className="mb-1 text-xs text-dim">
        {judged > 0 && (
          <strong className={rights === judged ? 'text-good' : 'text-bad'}>
            {rights}/{judged} right
          </strong>
        )}
        {mass === 0
          ? '; a line joins each answer to the input it looks at most'
          : `; lines carry ${Math.round(mass * 100)} % of each answer's weight`}
      </p>
      <div className="relative overflow-x-auto">
        <div style={{ width: Math.max(T, answers) * pitch + 4 }} className="relative pl-0.5">
          <div className="flex">
            {verdicts.map((right, t) => {
              const [target, answer] = [targetAt(snapshot, example, t), answerAt(snapshot, example, t)];
              const text = (value: number | null) => (value === null ? '–' : visibleText(answerText(snapshot, value)));
              const [label, given] = [text(target), text(answer)];
              const p =
                answer === null ? 0 : snapshot.predictions!.probabilities[(example * answers + t) * snapshot.predictions!.best]!;
              const verdict = verdictOf(right);
              const words = `answer ${t + 1}: ${given}, target ${label}, ${verdict}, probability ${p.toFixed(3)}`;
              return (
                <button
                  key={t}
                  type="button"
                  {...pointingAt(spotOf(tokens, 'query', t), onFocus)}
                  data-answer={verdict}
                  title={words}
                  style={{ width: pitch }}
                  className={`flex flex-col items-center border-x border-t font-mono text-xs leading-4 ${lit?.query === t ? 'border-ink bg-raised' : 'border-transparent'}`}
                >
                  <span aria-hidden className="text-[9px] leading-3 text-dim">
                    {t + 1}
                  </span>
                  <span aria-hidden className={right !== false ? 'text-ink' : 'font-bold text-bad line-through'}>
                    {clipped(given)}
                  </span>
                  <span aria-hidden className={`text-[10px] leading-3 ${textClass[verdict]}`}>
                    {right ? '✓' : clipped(label)}
                  </span>
                  {/* The bar is a background: a new width would lay out all answers again. */}
                  <span
                    className={`mt-0.5 h-1 w-4/5 bg-raised bg-no-repeat ${textClass[verdict]}`}
                    style={{ backgroundImage: fill, backgroundSize: `${100 * p}% 100%` }}
                  />
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
                strokeOpacity={some && !isLit(query, key) ? 0.07 : 0.15 + 0.75 * weight}
              />
            ))}
          </svg>
          <Inputs count={T} {...{ tokens, pitch, onFocus }} lit={lit?.key ?? null} />
        </div>
      </div>
    </div>
  );
});

const none: Spot = { layer: null, head: null, query: null, key: null };
const spotOf = (tokens: MapTokens, side: 'query' | 'key', t: number): Spot =>
  tokens.shared ? { ...none, query: t, key: t } : { ...none, [side]: t };

interface InputsProps extends Pick<SequenceReaderProps, 'tokens' | 'onFocus'> {
  count: number;
  pitch: number;
  /** The highlighted key. */
  lit: number | null;
}

/** The inputs stay the same at every step. */
const Inputs = memo(function Inputs({ count, tokens, pitch, lit, onFocus }: InputsProps) {
  return (
    <div className="flex">
      {Array.from({ length: count }, (_, t) => (
        <button
          key={t}
          type="button"
          {...pointingAt(spotOf(tokens, 'key', t), onFocus)}
          title={`input ${t + 1}: ${tokens.keys[t]?.text}`}
          style={{ width: pitch }}
          className={`flex flex-col items-center border-x border-b font-mono text-xs leading-4 ${lit === t ? 'border-ink bg-raised' : 'border-transparent'}`}
        >
          <span aria-hidden>{clipped(tokens.keys[t]?.text ?? '')}</span>
          <span aria-hidden className="text-[9px] leading-3 text-dim">
            {t + 1}
          </span>
        </button>
      ))}
    </div>
  );
});
