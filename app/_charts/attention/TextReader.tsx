import { memo } from 'react';
import { answerText, targetAt } from '~/shared/aboutSnapshot';
import type { MapSize } from '~/shared/attention';
import { visibleKeys } from '~/shared/attention';
import type { AttentionSnapshot } from '~/shared/attentionSnapshot';
import type { FocusEvent, Spot } from './focus';
import { pointingAt } from './pointing';
import { type MapTokens, visibleText } from './tokens';
import { judge, verdictOf } from './verdict';

const foreseen = { right: 'next token foreseen', wrong: 'next token not foreseen', 'not judged': 'nothing follows' };

interface TextReaderProps {
  snapshot: AttentionSnapshot;
  example: number;
  /** The map whose weights shade the text, [Tq, Tk], and its size. */
  map: Float32Array;
  size: MapSize;
  tokens: MapTokens;
  lit: Spot | null;
  onFocus: (event: FocusEvent) => void;
}

/** The most probable next tokens at a position. */
function nextOf(s: AttentionSnapshot, example: number, place: number) {
  const { ids, probabilities, best } = s.predictions!;
  const at = (example * s.answers + place) * best;
  return Array.from({ length: best }, (_, i) => ({
    id: ids[at + i]!,
    text: visibleText(answerText(s, ids[at + i]!)),
    probability: probabilities[at + i]!,
  }));
}

/**
 * The text of an example; each token shows whether the model predicted the next one. Pointing at a token shades what its query attends to, and lists
 * the most probable next tokens.
 */
export const TextReader = memo(function TextReader({ snapshot, example, map, size, tokens, lit, onFocus }: TextReaderProps) {
  const { answers } = snapshot;
  const { answers: verdicts, right, judged } = judge(snapshot, example);
  const at = Math.min(lit?.query ?? answers - 1, answers - 1);
  const visible = visibleKeys(size, at);
  const row = map.subarray(at * size.keys, at * size.keys + visible);
  const most = row.reduce((m, v) => Math.max(v, m), 0) || 1;
  const next = nextOf(snapshot, example, at);
  const target = targetAt(snapshot, example, at);
  return (
    <div className="min-w-0" data-testid="text-reader">
      <p className="mb-1 text-xs text-dim">
        {judged > 0 && (
          <strong className={right === judged ? 'text-good' : 'text-ink'}>
            {right}/{judged} next tokens foreseen
          </strong>
        )}
        <span className="ml-2">
          a dot marks a token whose next one was not; shading is what {lit ? 'the token pointed at' : 'the last token'} looks at
        </span>
      </p>
      <p className="relative max-h-40 overflow-y-auto font-mono text-xs leading-6 break-all">
        {tokens.keys.map((token, t) => {
          const weight = t < visible ? (row[t] ?? 0) / most : 0;
          const state = verdictOf(verdicts[t]);
          return (
            <button
              key={t}
              type="button"
              data-token={t}
              data-answer={state === 'not judged' ? 'open' : state}
              title={token.name}
              aria-label={`${token.name}, ${foreseen[state]}`}
              {...pointingAt({ layer: null, head: null, query: t < size.queries ? t : null, key: t }, onFocus)}
              className={`relative inline-block min-w-2 whitespace-pre rounded-xs px-px leading-5 ${
                t === at ? 'outline-2 outline-accent' : ''
              } ${t >= visible ? 'opacity-45' : ''} ${
                state === 'wrong' ? 'underline decoration-bad decoration-dotted underline-offset-4' : ''
              }`}
              style={{ background: `color-mix(in srgb, var(--color-accent) ${Math.round(70 * weight)}%, transparent)` }}
            >
              {token.text}
            </button>
          );
        })}
      </p>
      <table className="mt-1 text-xs" data-testid="next-tokens">
        <caption className="text-left text-dim">
          likeliest after position {at + 1}
          {target !== null && (
            <>
              , which <span className="font-mono text-ink">{visibleText(answerText(snapshot, target))}</span> follows
            </>
          )}
        </caption>
        <tbody>
          {next.map(({ id, text, probability }, i) => (
            <tr key={i}>
              <th scope="row" className={`pr-2 text-left font-mono font-normal ${id === target ? 'font-bold text-good' : ''}`}>
                {text}
              </th>
              <td className="w-24">
                <span className="block h-1.5 bg-raised" aria-hidden>
                  <span className="block h-full bg-accent" style={{ width: `${100 * probability}%` }} />
                </span>
              </td>
              <td className="pl-2 text-right font-mono">{(100 * probability).toFixed(1)} %</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
});
