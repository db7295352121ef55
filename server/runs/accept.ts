/**
 * Decides which of a trainer's events are new, and which are not valid for the run. Pure. Invalid events are set aside with an
 * alert; the others are kept.
 */

import { StreamState } from '~/server/store/streamState';
import type { LoggedCommand } from '~/shared/commands';
import type { Entry, RunEvent, TrainerEvent } from '~/shared/events';
import { fold } from '~/shared/fold';
import type { BatchAnswer, EventBatch } from '~/shared/protocol';
import { seqCount } from '~/shared/rows';
import { ended, type RunView } from '~/shared/view';
import { asLogged, eventError } from './eventError';
import { startingAt } from './log';
import { numbersOf, readEvent, typeOf } from './readEvent';

export type Accepted = {
  ok: true;
  /** For the log: the trainer's events, with alerts for those set aside. */
  events: RunEvent[];
  nextEvent: number;
  view: RunView;
  /** Number of events of this attempt that were set aside so far. */
  setAside: number;
};

/**
 * The first events set aside in an attempt get an alert each; later ones are reported as a number, occasionally and at the end.
 */
const ALERTS_EACH = 20;

/**
 * The events of `batch` from number `nextEvent` on, each checked against the view at its position.
 *
 * @param streams the run's; not changed
 * @param asked the commands that the events answer, by id, if they are in the log
 * @param setAside events of this attempt that were set aside before
 */
export function accept(
  view: RunView,
  streams: StreamState,
  nextEvent: number,
  batch: EventBatch,
  asked: ReadonlyMap<string, LoggedCommand>,
  setAside = view.setAside,
): Accepted | Extract<BatchAnswer, { ok: false }> {
  if (batch.attempt < view.attempt)
    return {
      ok: false,
      reason: 'fenced',
      message: `attempt ${batch.attempt} of run ${view.runId} is over, it is at attempt ${view.attempt}`,
    };
  if (batch.attempt > view.attempt)
    return {
      ok: false,
      reason: 'invalid',
      message: `attempt: ${batch.attempt} was never given out; the run is at ${view.attempt}`,
    };
  if (batch.from > nextEvent)
    return { ok: false, reason: 'gap', nextEvent, message: `event ${nextEvent} is next, the batch begins at ${batch.from}` };

  const events: RunEvent[] = [];
  let count = setAside;
  let last = '';
  let at = batch.from;
  let after = view;
  const trial = new StreamState(streams);
  const keep = (event: RunEvent) => {
    trial.apply(event);
    after = fold(after, { seq: after.seq + 1, attempt: view.attempt, at: 0, event });
    events.push(event);
  };
  const tell = (message: string) =>
    keep({ type: 'alert', step: after.step, level: 'warning', kind: 'set-aside', message: message.slice(0, 2000), count });

  for (const raw of batch.events) {
    const number = at;
    const read = readEvent(raw);
    at += read.ok ? seqCount(read.event) : numbersOf(raw);
    if (at <= nextEvent) continue;
    const fresh = read.ok ? withoutFirst(read.event, nextEvent - number) : null;
    const over = fresh !== null && isTraining(fresh) && ended(after.status);
    if (over && ended(view.status))
      return { ok: false, reason: 'fenced', message: `run ${view.runId} has ended (${view.status})` };
    const wrong = read.ok
      ? over
        ? `type: the run has ended (${after.status})`
        : eventError(after, trial, fresh!, asked)
      : read.message;
    if (wrong === null) {
      const logged = asLogged(trial, fresh!);
      if (logged) keep(withAsked(after, logged, asked));
    }
    const leftOut = wrong === null && read.ok ? read.leftOut : undefined;
    if (wrong === null && !leftOut) continue;
    count += 1;
    const what = leftOut ? `left out: ${leftOut.names.join(', ')}: ${leftOut.message}` : wrong;
    last = `event ${number} (${(typeOf(raw) ?? 'no type').slice(0, 40)}): ${what}`;
    if (count <= ALERTS_EACH) tell(last);
  }
  if (isNews(after.setAside, count, ended(after.status) && !ended(view.status)))
    tell(`${count} events of this attempt were set aside so far, of which ${ALERTS_EACH} are told one by one; the last: ${last}`);
  return { ok: true, events, nextEvent: Math.max(at, nextEvent), view: after, setAside: count };
}

/** Events that only a continuing run can send. */
const isTraining = ({ type }: TrainerEvent): boolean =>
  type === 'series' || type === 'rows' || type === 'rewind' || type === 'status' || type === 'started';

/** Whether to report the number of events set aside: at the first unreported one, at each power of ten, and at the end. */
function isNews(told: number, count: number, ending: boolean): boolean {
  if (count <= told) return false;
  return told <= ALERTS_EACH || ending || Math.floor(Math.log10(count)) > Math.floor(Math.log10(told));
}

/** The event without its first `n` numbers; null when nothing is left. */
function withoutFirst(event: TrainerEvent, n: number): TrainerEvent | null {
  if (n <= 0) return event;
  if (n >= seqCount(event)) return null;
  const entry: Entry = { seq: 1, attempt: 0, at: 0, event: event as RunEvent };
  return startingAt(entry, 1 + n).event as TrainerEvent;
}

/**
 * An answer to a command that no longer waits (a takeover applies it again) gets the command itself, as the view does not hold it
 * any more.
 */
function withAsked(view: RunView, event: TrainerEvent, asked: ReadonlyMap<string, LoggedCommand>): TrainerEvent {
  if (event.type !== 'command.applied' && event.type !== 'command.refused') return event;
  const known = asked.get(event.commandId);
  return known && !view.openCommands.some((c) => c.command.id === event.commandId) ? { ...event, asked: known } : event;
}

/**
 * Splits the batch so that each rewind begins a part: what a rewind leaves in force is known only once everything before it is
 * committed.
 */
export function upToRewinds(batch: EventBatch): EventBatch[] {
  if (!batch.events.some((event, i) => i > 0 && typeOf(event) === 'rewind')) return [batch];
  const parts: EventBatch[] = [];
  let { from } = batch;
  for (const event of batch.events) {
    const open = parts.at(-1);
    if (open && typeOf(event) !== 'rewind') open.events.push(event);
    else parts.push({ ...batch, from, events: [event] });
    const read = readEvent(event);
    from += read.ok ? seqCount(read.event) : numbersOf(event);
  }
  return parts;
}
