import { nanoid } from 'nanoid';
import { type FormEvent, type KeyboardEvent, Suspense, useEffect, useId, useState } from 'react';
import { About } from '~/app/_components/About';
import { Button } from '~/app/_components/Button';
import { count, measured } from '~/app/_components/format';
import { later } from '~/app/_components/later';
import { useCursor } from '~/app/_live/cursor';
import { useTimeline } from '~/app/_live/lists';
import { controlAt } from '~/app/_live/runMarks';
import { useRun, useView } from '~/app/_live/useRun';
import { useSteer } from '~/app/_live/useSteer';
import { useMissingStep } from '~/app/_run/timeline/snapshotWords';
import type { ControlSpec, ControlValue } from '~/shared/controls';
import { unusual } from '~/shared/controlValues';
import { own } from '~/shared/own';
import { HoldButton } from './HoldButton';
import { aboutControl, describeValue, effectiveOf, heldCommands, lastOn, open, readText, textOf } from './steering';
import { ValueInput } from './ValueInput';

const RatePreview = later(() => import('./RatePreview'));

/**
 * One declared value: its current value, who set it, and a field to request another. The field remembers the value shown when the edit began and sends it
 * along, so that two people cannot overwrite each other's change unseen.
 */
export function ControlField({ spec, why }: { spec: ControlSpec; why: string | null }) {
  const steer = useSteer();
  const id = useId();
  const state = useView((v) => own(v.values, spec.name) ?? null, null);
  const last = useView((v) => lastOn(heldCommands(v), spec.name) ?? null, null);
  const youId = useRun((r) => r.you?.id ?? null);
  const [draft, setDraft] = useState<{ text: string; seen: ControlValue } | null>(null);
  // `seq`: null until the server has answered.
  const [sent, setSent] = useState<{ id: string; value: ControlValue; seq: number | null } | null>(null);
  const [problem, setProblem] = useState<string | null>(null);
  const [refusal, setRefusal] = useState<string | null>(null);

  const current = state?.value ?? null;
  // A newer command of somebody else says nothing about this one; one that a second operator approved has moved to a new seq.
  const mine = useView((v) => heldCommands(v).find((c) => c.command.id === sent?.id) ?? null, null);
  const reached = useView((v) => sent !== null && sent.seq !== null && v.seq >= sent.seq, false);
  const refused = mine?.outcome.status === 'refused' ? mine.outcome.message : null;
  // The view no longer holds a command when many others have come after its outcome.
  const done = mine ? mine.outcome.status === 'applied' || mine.outcome.status === 'scheduled' : reached;
  useEffect(() => {
    if (refused === null && !done) return;
    setSent(null);
    setRefusal(refused);
    if (done) setDraft(null);
  }, [refused, done]);

  const waiting = sent !== null && refused === null && !done;
  const changedMeanwhile = draft !== null && !Object.is(draft.seen, current) && !waiting;

  const edit = (text: string) => {
    setProblem(null);
    setRefusal(null);
    setDraft({ text, seen: draft && refusal === null ? draft.seen : current });
  };
  const cancel = () => {
    setDraft(null);
    setProblem(null);
    setRefusal(null);
    setSent(null);
  };
  const send = async (expected: ControlValue, held = false) => {
    if (!draft || waiting) return;
    const read = readText(spec, draft.text);
    if (!read.ok) return setProblem(read.message);
    if (Object.is(read.value, current)) return cancel();
    // An unusual value needs its own button.
    if (!held && unusual(spec, read.value, current) !== null) return;
    setProblem(null);
    setRefusal(null);
    const id = nanoid();
    setSent({ id, value: read.value, seq: null });
    const answer = await steer({ kind: 'set', control: spec.name, value: read.value, expected }, id);
    setSent((now) => (now?.id !== id ? now : answer.ok ? { ...now, seq: answer.seq } : null));
    if (!answer.ok) setRefusal(answer.message);
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    void send(draft?.seen ?? current);
  };
  const keys = (event: KeyboardEvent) => {
    if (event.key === 'Escape' && draft) {
      event.stopPropagation();
      cancel();
    }
  };

  const meant = draft ? readText(spec, draft.text) : null;
  const odd = meant?.ok ? unusual(spec, meant.value, current) : null;
  const typed = spec.type !== 'boolean' && !spec.options;
  const error = problem ?? refusal;
  return (
    <form
      onSubmit={submit}
      noValidate
      className="group grid grid-cols-[minmax(0,1fr)_minmax(0,8.5rem)] items-center gap-x-2 px-3 py-1"
    >
      <span className="flex min-w-0 items-center">
        <label htmlFor={id} className="min-w-0 wrap-anywhere" title={aboutControl(spec)}>
          {spec.label}
        </label>
        <About of={spec.label} lines={[aboutControl(spec)]} />
      </span>
      <div className="relative">
        <ValueInput
          id={id}
          spec={spec}
          aria-describedby={`${id}-about ${id}-note`}
          aria-invalid={error ? true : undefined}
          disabled={why !== null}
          readOnly={waiting}
          title={why ?? aboutControl(spec)}
          className={typed ? `${spec.unit ? 'pr-16' : ''} ${draft ? 'border-accent' : ''}` : ''}
          value={draft?.text ?? textOf(current)}
          onText={edit}
          onKeyDown={keys}
        />
        {typed && spec.unit && (
          <span className="pointer-events-none absolute inset-y-0 right-2 flex items-center text-2xs text-dim">{spec.unit}</span>
        )}
      </div>
      <p id={`${id}-about`} className="sr-only">
        {aboutControl(spec)}
      </p>
      <div id={`${id}-note`} className="col-span-2 text-2xs text-dim" aria-live="polite">
        {draft && !waiting && (
          <div className="flex justify-end gap-1 py-0.5">
            <Button size="small" look="bare" of={spec.label} onClick={cancel}>
              Cancel
            </Button>
            {!changedMeanwhile &&
              (odd === null ? (
                // The second click of a double click would be refused as a conflict with the first.
                <Button
                  size="small"
                  look="primary"
                  type="submit"
                  of={spec.label}
                  disabled={why !== null}
                  title={why ?? undefined}
                >
                  Apply
                </Button>
              ) : (
                <HoldButton of={spec.label} disabled={why !== null} onHeld={() => void send(draft.seen, true)}>
                  Hold to apply
                </HoldButton>
              ))}
          </div>
        )}
        {draft && !waiting && odd !== null && (
          <p role="status" className="text-right text-warn">
            {odd}
          </p>
        )}
        {draft && !waiting && meant?.ok && (
          <Suspense fallback={null}>
            <RatePreview control={spec.name} value={meant.value} />
          </Suspense>
        )}
        {waiting && <p className="text-ink">asked for {describeValue(spec, sent.value)}…</p>}
        {error && <p className="text-bad">{error}</p>}
        {changedMeanwhile && (
          <p className="flex flex-wrap items-center justify-end gap-1 text-warn">
            {!error && (
              <span>
                {state?.changedBy?.name ?? 'Somebody'} made it {describeValue(spec, current)}
                {state && ` at step ${count(state.changedAtStep)}`}
              </span>
            )}
            {odd === null ? (
              <Button
                size="small"
                of={spec.label}
                disabled={why !== null}
                onClick={(event) => event.detail < 2 && void send(current)}
              >
                Apply mine over it
              </Button>
            ) : (
              <HoldButton of={spec.label} disabled={why !== null} onHeld={() => void send(current, true)}>
                Hold to apply mine over it
              </HoldButton>
            )}
          </p>
        )}
        {!draft && last && open(last) && !waiting && (
          <p className="text-ink">
            {last.actor.id === youId ? 'you' : last.actor.name} asked for{' '}
            {last.command.kind === 'set' && describeValue(spec, last.command.value)}
            {last.outcome.status === 'scheduled' ? `, ${last.outcome.message}` : '…'}
          </p>
        )}
        {!draft && !error && state?.changedBy && (
          <p>
            by {state.changedBy.id === youId ? 'you' : state.changedBy.name}, step {count(state.changedAtStep)}
            {last?.outcome.status === 'applied' &&
              Object.is(last.outcome.after, current) &&
              `, was ${describeValue(spec, last.outcome.before)}`}
          </p>
        )}
        <AtPinned spec={spec} current={current} />
        {typeof current === 'number' && <InEffect spec={spec} current={current} />}
      </div>
    </form>
  );
}

/** The value that the schedule puts into effect, from the series with the control's role, when it is another one. */
function InEffect({ spec, current }: { spec: ControlSpec; current: number }) {
  const effective = useView((v) => effectiveOf(v, spec), null);
  if (effective === null || Object.is(effective, current)) return null;
  return (
    <p aria-live="off">
      now in effect <span className="font-mono text-ink">{measured(effective)}</span>
    </p>
  );
}

/** The value at the step at which the page is pinned, when it differs from the current one. */
function AtPinned({ spec, current }: { spec: ControlSpec; current: ControlValue }) {
  const pinned = useCursor((c) => (c.mode === 'pinned' ? c.step : null));
  const missing = useMissingStep();
  const then = useTimeline((v) => (pinned === null ? current : controlAt(v, spec.name, pinned)), current);
  return pinned === null || missing || Object.is(then, current) ? null : (
    <p>
      as of step {count(pinned)}: <span className="font-mono text-ink">{describeValue(spec, then)}</span>
    </p>
  );
}
