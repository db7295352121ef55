'use client';

import { memo } from 'react';
import type { AttentionSnapshot } from '~/shared/attentionSnapshot';
import type { FocusEvent, Spot } from './focus';
import type { Token } from './tokens';

interface SetReaderProps {
  snapshot: AttentionSnapshot;
  example: number;
  tokens: readonly Token[];
  /** What the pictures are, e.g. "built-in demo pictures". */
  pictures: string | null;
  lit: Spot | null;
  onFocus: (event: FocusEvent) => void;
}

/** The pictures of a set with the probability of each to be the odd one. Pointing at one lights its row, column and bar everywhere. */
export const SetReader = memo(function SetReader({ snapshot, example, tokens, pictures, lit, onFocus }: SetReaderProps) {
  const { keys: T } = snapshot;
  const odd = snapshot.labels[example]!;
  const picked = snapshot.predictions[example]!;
  const right = odd === picked;
  return (
    <div className="min-w-0">
      <p className="mb-1.5 text-xs text-dim">
        {right ? (
          <strong className="text-good">right: image {odd + 1}</strong>
        ) : (
          <strong className="text-bad">
            wrong: picked image {picked + 1}, odd is image {odd + 1}
          </strong>
        )}
        <span className="ml-2 whitespace-nowrap">
          <i aria-hidden className="inline-block size-2.5 border-2 border-warn align-[-1px]" /> odd one
        </span>
        <span className="ml-2 whitespace-nowrap">
          <i aria-hidden className="inline-block size-2.5 rounded-sm border border-dashed border-accent align-[-1px]" /> picked
        </span>
        {pictures && <span className="ml-2 whitespace-nowrap">{pictures}</span>}
      </p>
      <div className="grid grid-cols-[repeat(auto-fill,minmax(2.75rem,1fr))] gap-1">
        {tokens.slice(0, T).map((token, t) => {
          const p = snapshot.probabilities[example * T + t]!;
          const on = lit !== null && (lit.query === t || lit.key === t);
          const spot: Spot = { layer: null, head: null, query: t, key: t };
          return (
            <button
              key={t}
              type="button"
              aria-pressed={on}
              data-image={t}
              title={`${token.name}: ${(100 * p).toFixed(1)} %`}
              onPointerEnter={(e) => e.pointerType !== 'touch' && onFocus({ type: 'hover', spot })}
              onPointerLeave={() => onFocus({ type: 'hover', spot: null })}
              onFocus={() => onFocus({ type: 'hover', spot })}
              onBlur={() => onFocus({ type: 'hover', spot: null })}
              onClick={() => onFocus({ type: 'click', spot })}
              className={`flex flex-col items-center gap-0.5 rounded-sm px-0.5 py-1 ${on ? 'bg-raised outline-2 outline-ink' : ''}`}
            >
              <span
                className={`relative grid size-9 place-items-center bg-raised ${token.odd ? 'border-2 border-warn' : 'border border-line'}`}
              >
                {token.picture ? (
                  // biome-ignore lint/performance/noImgElement: a data URL of 32 x 32 pixels.
                  <img src={token.picture} alt="" className="size-full [image-rendering:pixelated]" />
                ) : (
                  <span aria-hidden className="font-mono text-dim">
                    {t + 1}
                  </span>
                )}
                {token.picked && (
                  <span aria-hidden className="absolute -inset-1 rounded-md border-2 border-dashed border-accent" />
                )}
              </span>
              <span className="mt-1 h-1.5 w-full bg-raised" aria-hidden>
                <span
                  data-bar={t}
                  className={`block h-full ${token.odd ? 'bg-warn' : 'bg-accent'}`}
                  style={{ width: `${100 * p}%` }}
                />
              </span>
              <span className="sr-only">
                {token.name}, probability {p.toFixed(2)}
              </span>
              <span aria-hidden className="font-mono text-[10px] leading-3 tracking-tighter whitespace-nowrap text-dim">
                {t + 1}
                <span className="text-ink"> {(100 * p).toFixed(p < 0.1 ? 1 : 0)}%</span>
              </span>
            </button>
          );
        })}
      </div>
    </div>
  );
});
