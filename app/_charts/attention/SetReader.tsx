import { memo } from 'react';
import { answerAt, rightAt, targetAt } from '~/shared/aboutSnapshot';
import type { AttentionSnapshot } from '~/shared/attentionSnapshot';
import type { FocusEvent, Spot } from './focus';
import { pointingAt } from './pointing';
import type { Token } from './tokens';

interface SetReaderProps {
  snapshot: AttentionSnapshot;
  example: number;
  tokens: readonly Token[];
  lit: Spot | null;
  onFocus: (event: FocusEvent) => void;
}

/** The items of a set with the score of each. Pointing at one highlights its row, column and bar everywhere. */
export const SetReader = memo(function SetReader({ snapshot, example, tokens, lit, onFocus }: SetReaderProps) {
  const { scores, words } = snapshot;
  // Answers that are not keys are not items that could be marked.
  const ofKeys = snapshot.answerKind.kind === 'keys' && snapshot.answers > 0;
  const odd = ofKeys ? targetAt(snapshot, example, 0) : null;
  const picked = ofKeys ? answerAt(snapshot, example, 0) : null;
  const right = ofKeys ? rightAt(snapshot, example, 0) : null;
  const T = Math.min(tokens.length, scores?.keys ?? 0);
  const scoreAt = (t: number) => scores!.values[example * scores!.keys + t]!;
  // Scores that are not probabilities are drawn as shares of the largest score.
  const all = Array.from({ length: T }, (_, t) => scoreAt(t));
  const whole = all.every((v) => v >= 0 && v <= 1) ? 1 : Math.max(...all.map(Math.abs), Number.MIN_VALUE);
  return (
    <div className="min-w-0">
      <p className="mb-1.5 text-xs text-dim">
        {right === true && (
          <strong className="text-good">
            right: {words.item} {odd! + 1}
          </strong>
        )}
        {right === false && (
          <strong className="text-bad">
            wrong: picked {words.item} {picked! + 1}, the {words.target} is {words.item} {odd! + 1}
          </strong>
        )}
        {odd !== null && (
          <span className="ml-2 whitespace-nowrap">
            <i aria-hidden className="inline-block size-2.5 border-2 border-warn align-[-1px]" /> {words.target}
          </span>
        )}
        {picked !== null && (
          <span className="ml-2 whitespace-nowrap">
            <i aria-hidden className="inline-block size-2.5 rounded-sm border border-dashed border-accent align-[-1px]" /> picked
          </span>
        )}
        {snapshot.picturesTitle && <span className="ml-2 whitespace-nowrap">{snapshot.picturesTitle}</span>}
      </p>
      <div className="grid grid-cols-[repeat(auto-fill,minmax(2.75rem,1fr))] gap-1">
        {tokens.slice(0, T).map((token, t) => {
          const p = scoreAt(t);
          const share = Math.min(1, Math.abs(p) / whole);
          const score = whole === 1 ? `${(100 * p).toFixed(p < 0.1 ? 1 : 0)}%` : p.toPrecision(3);
          const on = lit !== null && (lit.query === t || lit.key === t);
          return (
            <button
              key={t}
              type="button"
              aria-pressed={on}
              data-image={t}
              title={`${token.name}, score ${p.toFixed(3)}`}
              {...pointingAt({ layer: null, head: null, query: t, key: t }, onFocus)}
              className={`relative flex flex-col items-center gap-0.5 rounded-sm px-0.5 py-1 ${on ? 'bg-raised outline-2 outline-ink' : ''}`}
            >
              <span
                className={`relative grid size-9 place-items-center bg-raised ${token.target ? 'border-2 border-warn' : 'border border-line'}`}
              >
                {token.picture ? (
                  // biome-ignore lint/performance/noImgElement: a data URL of 32 x 32 pixels.
                  <img src={token.picture} alt="" className="size-full [image-rendering:pixelated]" />
                ) : (
                  <span aria-hidden className="max-w-full truncate px-0.5 font-mono text-dim">
                    {token.text}
                  </span>
                )}
                {token.picked && (
                  <span aria-hidden className="absolute -inset-1 rounded-md border-2 border-dashed border-accent" />
                )}
              </span>
              <span className="mt-1 h-1.5 w-full bg-raised" aria-hidden>
                <span
                  data-bar={t}
                  className={`block h-full ${token.target ? 'bg-warn' : 'bg-accent'}`}
                  style={{ width: `${100 * share}%` }}
                />
              </span>
              <span aria-hidden className="font-mono text-[10px] leading-3 tracking-tighter whitespace-nowrap text-dim">
                {t + 1}
                <span className="text-ink"> {score}</span>
              </span>
            </button>
          );
        })}
      </div>
    </div>
  );
});
