import { memo, useMemo, useState } from 'react';
import { Button } from '~/app/_components/Button';
import { Choose } from '~/app/_components/Choose';
import { count } from '~/app/_components/format';
import { setCursor } from '~/app/_live/cursor';
import { useList, useLoaded } from '~/app/_live/lists';
import { useReadOnly } from '~/app/_live/readOnly';
import { useView } from '~/app/_live/useRun';
import { WorkedOn } from '~/app/_run/activity/WorkedOn';
import { ActionButton } from '~/app/_run/steering/ActionButton';
import { useWhyNot, useWhyNotRevert } from '~/app/_run/steering/useWhyNot';
import { analysisKinds, isQuestionAction, openQuestions } from '~/shared/analyses';
import type { AttentionSnapshot } from '~/shared/attentionSnapshot';
import type { Analysis } from '~/shared/events';
import { ended, type WithSeq } from '~/shared/view';
import { ExampleBrowser, useLookAt } from './ExampleBrowser';
import { Questions } from './Questions';

const now = 'now';

/** Questions that only a trainer can answer, about the run between two steps or about a checkpoint, and their answers. */
export const Analyses = memo(function Analyses({ snapshot }: { snapshot: AttentionSnapshot }) {
  const { step, chosenBy, examples } = snapshot;
  const actions = useView((v) => v.controls.actions.filter(isQuestionAction), []);
  const { items: analyses, whole, older } = useLoaded('analyses');
  const why = useWhyNot();
  const readOnly = useReadOnly();
  if ((readOnly || actions.length === 0) && analyses.length === 0) return null;
  return (
    <section aria-label="questions to the trainer" className="flex flex-col gap-1.5 text-xs">
      {readOnly ? (
        <h3 className="font-semibold">What the trainer was asked</h3>
      ) : (
        <>
          {chosenBy?.numbered && <ExampleBrowser control={chosenBy.control} examples={examples} />}
          <Ask />
          <WorkedOn />
          <Waiting />
        </>
      )}
      <ul className="relative flex max-h-48 flex-col gap-1 overflow-auto">
        {analyses.toReversed().map((a) => (
          <li key={a.seq} className={a.step === step ? '' : 'text-dim'} data-analysis={a.kind}>
            <button
              type="button"
              className="mr-2 font-mono underline"
              title={a.checkpoint && 'asked of the checkpoint'}
              onClick={() => setCursor.pin(a.step)}
            >
              step {count(a.step)}
            </button>
            <Verdict analysis={a} /> {a.message} {chosenBy && <Look analysis={a} why={why} control={chosenBy.control} />}
          </li>
        ))}
      </ul>
      {!whole && (
        <Button size="small" look="bare" className="self-start" onClick={older}>
          Older answers
        </Button>
      )}
    </section>
  );
});

/** The declared questions, and a choice of what they are about: the current parameters or a checkpoint's. */
function Ask() {
  const actions = useView((v) => v.controls.actions.filter(isQuestionAction), []);
  const over = useView((v) => ended(v.status), false);
  // Two saves of the same bytes are one checkpoint here.
  const saved = useList('checkpoints', 500);
  const checkpoints = useMemo(
    () => saved.filter((c, i, all) => all.findLastIndex((d) => d.blob.hash === c.blob.hash) === i),
    [saved],
  );
  const [chosen, setChosen] = useState<string | null>(null);
  const last = checkpoints.at(-1)?.blob.hash;
  const known = chosen !== null && checkpoints.some((c) => c.blob.hash === chosen) ? chosen : null;
  const about = known ?? (over ? last : now);
  const ofCheckpoint = about !== undefined && about !== now;
  const whyRun = useWhyNot();
  const whyCheckpoint = useWhyNotRevert();
  const why = about === undefined ? 'the run has no checkpoint to ask about' : ofCheckpoint ? whyCheckpoint : whyRun;
  return (
    <>
      <div className="flex flex-wrap items-center gap-1.5">
        <h3 className="font-semibold">Ask the trainer</h3>
        <Choose
          aria-label="whose parameters"
          title="A question about a checkpoint is answered beside training, one forward pass between two steps, also when the run has ended"
          look="field"
          className="w-auto! font-sans"
          options={[
            ...(!over
              ? [{ value: now, text: 'of the run now' }]
              : about === undefined
                ? [{ value: '', text: 'no checkpoint' }]
                : []),
            ...checkpoints.toReversed().map((c) => ({ value: c.blob.hash, text: `from checkpoint at step ${count(c.step)}` })),
          ]}
          value={about ?? ''}
          onPick={(hash) => setChosen(hash === now ? null : hash)}
        />
      </div>
      <div className="flex flex-wrap items-start gap-x-4 gap-y-1.5">
        {actions.map((action) => (
          <ActionButton key={action.name} action={action} why={why} checkpoint={ofCheckpoint ? about : undefined} />
        ))}
      </div>
    </>
  );
}

function Waiting() {
  const ids = useView((v) => openQuestions(v).map((c) => c.command.id), []);
  const may = useWhyNotRevert() === null;
  return ids.length > 0 && <Questions only={ids} may={may} />;
}

const notationLead = 'As probe examples: ';

interface LookProps {
  analysis: WithSeq<Analysis>;
  why: string | null;
  control: string;
}

/** Makes the mistakes that were found the next probe examples. */
function Look({ analysis: { seq, step, kind, message }, why, control }: LookProps) {
  const lookAt = useLookAt(control);
  const readOnly = useReadOnly();
  const at = message.indexOf(notationLead);
  if (readOnly || kind !== analysisKinds.findMistakes || at < 0) return null;
  return (
    <Button
      size="small"
      of={`step ${count(step)}, entry ${seq}`}
      disabled={why !== null}
      title={why ?? undefined}
      onClick={() => void lookAt(message.slice(at + notationLead.length))}
    >
      Show them
    </Button>
  );
}

function Verdict({ analysis: { kind, summary } }: { analysis: WithSeq<Analysis> }) {
  if (kind !== analysisKinds.permutationCheck) return null;
  const passed = summary.passed === 1;
  return (
    <strong className={passed ? 'text-good' : summary.expected === 0 ? 'text-dim' : 'text-bad'}>
      {passed ? '✓ equivariant' : '✗ not equivariant'}
    </strong>
  );
}
