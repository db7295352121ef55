/** Which of a trainer's events are new, and whether they fit the run: pure, so that a bad batch is refused whole before anything is written. */
import { type Entry, type RunEvent, seqCount, type TrainerEvent } from '~/shared/events';
import { fold } from '~/shared/fold';
import type { BatchAnswer, EventBatch } from '~/shared/protocol';
import { unreachable } from '~/shared/unreachable';
import { ended, type RunView } from '~/shared/view';
import { startingAt } from './log';

export type Accepted = { ok: true; events: TrainerEvent[]; nextEvent: number; view: RunView };

/** Events of `batch` from number `nextEvent` on, checked one after the other against the view they meet. */
export function accept(view: RunView, nextEvent: number, batch: EventBatch): Accepted | Extract<BatchAnswer, { ok: false }> {
  if (batch.attempt < view.attempt)
    return {
      ok: false,
      reason: 'fenced',
      message: `attempt ${batch.attempt} of run ${view.runId} is over, it is at attempt ${view.attempt}`,
    };
  if (batch.attempt > view.attempt)
    return invalid(`attempt: ${batch.attempt} was never given out; the run is at ${view.attempt}`);
  if (batch.from > nextEvent)
    return { ok: false, reason: 'gap', nextEvent, message: `event ${nextEvent} is next, the batch begins at ${batch.from}` };

  const events: TrainerEvent[] = [];
  let at = batch.from;
  let after = view;
  for (const [i, event] of batch.events.entries()) {
    const fresh = withoutFirst(event, nextEvent - at);
    at += seqCount(event);
    if (!fresh) continue;
    if (ended(after.status) && (fresh.type === 'steps' || fresh.type === 'status' || fresh.type === 'run.started'))
      return { ok: false, reason: 'fenced', message: `run ${view.runId} has ended (${after.status})` };
    const wrong = validationError(after, fresh);
    if (wrong) return invalid(`events.${i}.${wrong}`);
    after = fold(after, { seq: after.seq + 1, attempt: view.attempt, at: 0, event: fresh });
    events.push(fresh);
  }
  return { ok: true, events, nextEvent: Math.max(at, nextEvent), view: after };
}

const invalid = (message: string) => ({ ok: false, reason: 'invalid', message }) as const;

/** The event without its first `n` places; null when nothing is left. */
function withoutFirst(event: TrainerEvent, n: number): TrainerEvent | null {
  if (n <= 0) return event;
  if (n >= seqCount(event)) return null;
  const entry: Entry = { seq: 1, attempt: 0, at: 0, event: event as RunEvent };
  return startingAt(entry, 1 + n).event as TrainerEvent;
}

/** null, or "field: what is wrong". */
function validationError(view: RunView, event: TrainerEvent): string | null {
  switch (event.type) {
    case 'run.started': {
      const names = event.series.map((s) => s.name);
      const repeated = names.find((n, i) => names.indexOf(n) !== i);
      if (repeated !== undefined) return `series: "${repeated}" occurs twice`;
      if (event.step !== view.step) return `step: the run is at step ${view.step}, got ${event.step}`;
      const before = view.series.map((s) => s.name);
      if (before.length > 0 && before.join('\n') !== names.join('\n'))
        return `series: must stay what an earlier attempt declared (${before.join(', ')}), got ${names.join(', ')}`;
      const missing = event.controls.values.find((c) => !(c.name in event.values));
      return missing ? `values: the declared control "${missing.name}" has no value` : null;
    }
    case 'steps':
      if (view.series.length === 0) return 'type: steps before run.started';
      if (event.values.length !== event.count * view.series.length)
        return `values: ${event.count} rows of ${view.series.length} series need ${event.count * view.series.length} numbers, got ${event.values.length}`;
      return event.firstStep === view.step ? null : `firstStep: the next step is ${view.step}, got ${event.firstStep}`;
    case 'snapshot':
      for (const [name, values] of Object.entries(event.signals))
        if (values.length !== event.layers * event.heads)
          return `signals.${name}: ${event.layers} layers x ${event.heads} heads need ${event.layers * event.heads} numbers, got ${values.length}`;
      return notAhead(view, event.step);
    case 'checkpoint':
      return event.lastCommandSeq > view.seq
        ? `lastCommandSeq: the log ends at ${view.seq}, got ${event.lastCommandSeq}`
        : notAhead(view, event.step);
    case 'command.applied':
    case 'command.refused':
    case 'command.scheduled': {
      const asked = view.commands.find((c) => c.command.id === event.commandId);
      if (!asked) return `commandId: the run has no command ${event.commandId}`;
      if (asked.seq !== event.seq) return `seq: command ${event.commandId} is at seq ${asked.seq}, got ${event.seq}`;
      return event.step === null ? null : notAhead(view, event.step);
    }
    case 'evaluation':
    case 'analysis':
    case 'status':
    case 'alert':
      return notAhead(view, event.step);
    default:
      return unreachable(event);
  }
}

const notAhead = (view: RunView, step: number): string | null =>
  step <= view.step ? null : `step: the run is at step ${view.step}, got ${step}`;
