import type { RunEvent } from '~/shared/events';
import { seqCount } from '~/shared/rows';
import { type Append, FencedError, StaleHeadError } from './index';
import { type StreamLookup, StreamState } from './streamState';

/** A store's knowledge of a run before a write; all 0 for a run that does not exist yet. */
export interface RunHead {
  head: number;
  attempt: number;
}

/**
 * Checks a write against its run before anything is changed. Returns the head after it.
 *
 * @param streams the run's, as stored
 * @throws FencedError, StaleHeadError; Error with both numbers when the entries do not follow each other (a broken invariant of
 *   the caller)
 */
export function checkAppend(write: Append, run: RunHead, streams: StreamLookup | null): { head: number } {
  const { runId, after, attempt, entries } = write;
  if (run.attempt > attempt) throw new FencedError(runId, attempt, run.attempt);
  if (run.head !== after) throw new StaleHeadError(runId, after, run.head);
  if (after === 0 && entries.length === 0) throw new Error(`run ${runId}: a log cannot begin without an entry`);

  const state = new StreamState(streams);
  let head = after;
  for (const { seq, event } of entries) {
    if (seq !== head + 1) throw new Error(`run ${runId}: expected an entry at ${head + 1}, got ${event.type} at ${seq}`);
    const problem = state.problem(event);
    if (problem !== null) throw new Error(`run ${runId}: ${event.type} at ${seq}: ${problem}`);
    state.apply(event);
    head += seqCount(event);
  }
  return { head };
}

/** A rewind as logged: rows taken back by a new attempt, or by the trainer itself. */
export interface Rewind {
  /** Seq of its entry. */
  seq: number;
  fromStep: number;
  keepSeq: number;
}

/** Whether an event of `step` at `seq` is still in force after later rewinds. */
export const inForce = (seq: number, step: number, rewinds: readonly Rewind[]): boolean =>
  rewinds.every((r) => r.seq < seq || step < r.fromStep || seq <= r.keepSeq);

/**
 * The step to which rows go back with this event, and the seq up to which other events of that step stay; null when it takes
 * nothing back.
 */
export function rewindOf(event: RunEvent): Omit<Rewind, 'seq'> | null {
  if (event.type === 'rewind') return { fromStep: event.step, keepSeq: event.keepSeq ?? 0 };
  return event.type === 'run.assigned' ? { fromStep: event.fromStep, keepSeq: event.keepSeq ?? 0 } : null;
}
