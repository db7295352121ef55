import { seqCount } from '~/shared/events';
import { type Append, FencedError, StaleHeadError } from './index';

/** What a store knows of a run before a write; all 0 for a run that does not exist yet. */
export interface RunHead {
  head: number;
  attempt: number;
  /** Index of the next step. */
  headStep: number;
  seriesNames: string[];
}

/**
 * Holds a write against the run it goes to, before anything is changed. Returns the head after it.
 *
 * @throws FencedError, StaleHeadError; Error with both numbers when the entries themselves do not fit together (a broken invariant of the caller)
 */
export function checkAppend(write: Append, run: RunHead): { head: number; seriesNames: string[] } {
  const { runId, after, attempt, entries, rewind } = write;
  if (run.attempt > attempt) throw new FencedError(runId, attempt, run.attempt);
  if (run.head !== after) throw new StaleHeadError(runId, after, run.head);
  if (after === 0 && entries.length === 0) throw new Error(`run ${runId}: a log cannot begin without an entry`);

  const seriesNames = write.seriesNames.length > 0 ? write.seriesNames : run.seriesNames;
  if (run.seriesNames.length > 0 && seriesNames.join('\n') !== run.seriesNames.join('\n'))
    throw new Error(`run ${runId}: its step rows hold [${run.seriesNames.join(', ')}], not [${seriesNames.join(', ')}]`);
  if (new Set(seriesNames).size !== seriesNames.length)
    throw new Error(`run ${runId}: two of its series have one name: [${seriesNames.join(', ')}]`);

  let head = after;
  let { headStep } = run;
  let assigned = false;
  for (const { seq, event } of entries) {
    if (seq !== head + 1) throw new Error(`run ${runId}: expected an entry at ${head + 1}, got ${event.type} at ${seq}`);
    head += seqCount(event);
    if (event.type === 'run.assigned' && rewind) {
      headStep = rewind.fromStep;
      assigned = true;
    }
    if (event.type !== 'steps') continue;
    const width = seriesNames.length;
    if (width === 0 || event.values.length !== event.count * width)
      throw new Error(
        `run ${runId}: ${event.count} step rows of ${width} series are ${event.count * width} values, got ${event.values.length}`,
      );
    if (event.firstStep < headStep)
      throw new Error(`run ${runId}: step rows begin at ${event.firstStep}, the next step is ${headStep}`);
    headStep = event.firstStep + event.count;
  }
  if (rewind && !assigned) throw new Error(`run ${runId}: a rewind to step ${rewind.fromStep} needs a run.assigned entry`);
  return { head, seriesNames };
}

/** A rewind as logged: what a new attempt took back. */
export interface Rewind {
  /** Place of its run.assigned entry. */
  seq: number;
  fromStep: number;
  keepSeq: number;
}

/** Whether an event of `step` at place `seq` still counts after the rewinds that came later. */
export const inForce = (seq: number, step: number, rewinds: readonly Rewind[]): boolean =>
  rewinds.every((r) => r.seq < seq || step < r.fromStep || seq <= r.keepSeq);
