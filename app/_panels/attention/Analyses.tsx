'use client';

import { memo } from 'react';
import { analysisKinds } from '~/shared/analyses';
import type { Analysis } from '~/shared/events';
import { ended, type Placed } from '~/shared/fold';
import { Button } from '../../_components/Button';
import { setCursor } from '../../_live/cursor';
import { useReadOnly } from '../../_live/readOnly';
import { useView } from '../../_live/useRun';
import { ActionButton } from '../ActionButton';
import { useWhyNot } from '../useWhyNot';
import { ExampleBrowser, useLookAt } from './ExampleBrowser';

const kinds: readonly string[] = Object.values(analysisKinds);

/** Questions that only the trainer can answer, asked between two steps, and what it answered. */
export const Analyses = memo(function Analyses({ step }: { step: number }) {
  const actions = useView((v) => v.controls.actions.filter((a) => kinds.includes(a.name)), []);
  const analyses = useView((v) => v.analyses, []);
  const why = useWhyNot();
  const over = useView((v) => ended(v.status), false);
  const readOnly = useReadOnly();
  if ((readOnly || actions.length === 0) && analyses.length === 0) return null;
  return (
    <section aria-label="questions to the trainer" className="flex flex-col gap-1.5 text-xs">
      {readOnly ? (
        <h3 className="font-semibold">What the trainer was asked</h3>
      ) : (
        <>
          <ExampleBrowser />
          <h3 className="font-semibold">Ask the trainer</h3>
          <div className="flex flex-wrap items-start gap-x-4 gap-y-1.5">
            {actions.map((action) => (
              <ActionButton key={action.name} action={action} why={why} />
            ))}
          </div>
          {over && actions.length > 0 && (
            <p className="text-dim">The run has ended: branch from one of its checkpoints to ask about the parameters there.</p>
          )}
        </>
      )}
      <ul className="flex max-h-48 flex-col gap-1 overflow-auto">
        {analyses
          .filter((a) => kinds.includes(a.kind))
          .toReversed()
          .map((a) => (
            <li key={a.seq} className={a.step === step ? '' : 'text-dim'} data-analysis={a.kind}>
              <button type="button" className="mr-2 font-mono underline" onClick={() => setCursor.pin(a.step)}>
                step {a.step}
              </button>
              <Verdict analysis={a} /> {a.message} <Look analysis={a} why={why} />
            </li>
          ))}
      </ul>
    </section>
  );
});

const notationLead = 'As probe examples: ';

/** The mistakes that were found, as the next probe examples. */
function Look({ analysis: { kind, message }, why }: { analysis: Placed<Analysis>; why: string | null }) {
  const lookAt = useLookAt();
  const readOnly = useReadOnly();
  const at = message.indexOf(notationLead);
  if (readOnly || kind !== analysisKinds.findMistakes || at < 0) return null;
  return (
    <Button
      size="small"
      disabled={why !== null}
      title={why ?? undefined}
      onClick={() => void lookAt(message.slice(at + notationLead.length))}
    >
      Show them
    </Button>
  );
}

function Verdict({ analysis: { kind, summary } }: { analysis: Placed<Analysis> }) {
  if (kind !== analysisKinds.permutationCheck) return null;
  const passed = summary.passed === 1;
  return (
    <strong className={passed ? 'text-good' : summary.expected === 0 ? 'text-dim' : 'text-bad'}>
      {passed ? '✓ equivariant' : '✗ not equivariant'}
    </strong>
  );
}
