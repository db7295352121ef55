import type { Store } from '~/server/store';
import { CompleteLog } from '~/server/store/completeLog';
import type { Entry, RunEvent } from '~/shared/events';
import { emptyView } from '~/shared/fold';
import type { Actor } from '~/shared/ids';
import type { ListChange } from '~/shared/lists';
import type { RangeAnswer } from '~/shared/pyramid';
import { seqCount, withPlainSteps } from '~/shared/rows';
import type { RunView } from '~/shared/view';
import { publishedSetup } from './setups';

export const ada: Actor = { id: 'u1', name: 'Ada', role: 'operator' };
export const created: RunEvent = { type: 'run.created', setup: publishedSetup('reverse'), actor: ada, parent: null };
export const assigned = (attempt: number, fromStep: number, keepSeq = 0): RunEvent => ({
  type: 'run.assigned',
  attempt,
  trainer: { id: 'trainer1', name: 'gpu', host: 'h' },
  fromStep,
  checkpoint: null,
  keepSeq,
});
export const status = (step: number, message = ''): RunEvent => ({ type: 'status', status: 'running', step, message });
export const snapshot = (step: number, signals: Record<string, number[]>, heads = 2): RunEvent => ({
  type: 'snapshot',
  step,
  blob: { hash: 'a'.repeat(64), bytes: 1 },
  trigger: 'cadence',
  commandId: null,
  layers: [{ name: 'layer 1', heads, queries: 2, keys: 2 }],
  examples: 1,
  signals: Object.entries(signals).map(([name, values]) => ({ name, values })),
});
export const declared = (names: readonly string[] = ['loss', 'gradNorm'], stream = 'steps'): RunEvent => ({
  type: 'series',
  stream,
  columns: names.map((name) => ({ name })),
});
/** Rows of `count` consecutive steps: value(step, column). */
export const rows = (
  firstStep: number,
  count: number,
  width: number,
  value: (step: number, column: number) => number,
  stream = 'steps',
): RunEvent => ({
  type: 'rows',
  stream,
  steps: { first: firstStep, count },
  values: Float64Array.from({ length: count * width }, (_, i) => value(firstStep + Math.floor(i / width), i % width)),
});
/** Rows of the given steps. */
export const sparse = (
  steps: readonly number[],
  width: number,
  value: (step: number, column: number) => number,
  stream = 'steps',
  times?: readonly number[],
): RunEvent =>
  withPlainSteps({
    type: 'rows',
    stream,
    steps: Float64Array.from(steps),
    ...(times && { times: Float64Array.from(times) }),
    values: Float64Array.from({ length: steps.length * width }, (_, i) => value(steps[Math.floor(i / width)]!, i % width)),
  });

/**
 * Appends to one run as the hub does; tracks head, attempt and the written entries.
 *
 * @param whole true: entries get the fields that the server adds, and the lists are kept; false: entries stay as given
 */
export function writer(store: Store, runId: string, whole = false) {
  const log: Entry[] = [];
  const complete = new CompleteLog();
  let view: RunView | null = null;
  const self = {
    log,
    head: 0,
    attempt: 0,
    at: 1_000,
    /** The view after the newest entry, if the lists are kept; null before the first. */
    view: () => view,
    async append(events: RunEvent[]): Promise<Entry[]> {
      let seq = self.head + 1;
      const changes: ListChange[] = [];
      const entries = events.map((event) => {
        if (event.type === 'run.assigned') self.attempt = event.attempt;
        const sent: Entry = { seq, attempt: self.attempt, at: self.at++, event };
        seq += seqCount(event);
        if (!whole) return sent;
        const entry = view ? complete.complete(view, sent) : sent;
        const folded = view ? complete.add(view, entry) : { view: emptyView(runId, entry), changes: [] };
        view = folded.view;
        changes.push(...folded.changes);
        return entry;
      });
      await store.append({
        runId,
        after: self.head,
        attempt: self.attempt,
        nextEvent: seq - 1,
        entries,
        changes,
      });
      self.head = seq - 1;
      log.push(...entries);
      return entries;
    },
  };
  return self;
}

/** A series of an answer. @throws when the answer has no series of that name */
export function named(answer: RangeAnswer, name: string): RangeAnswer['series'][number] {
  const found = answer.series.find((s) => s.name === name);
  if (!found) throw new Error(`the answer has no series ${name}; it has ${answer.series.map((s) => s.name).join(', ')}`);
  return found;
}

export const everything = { fromStep: Number.MIN_SAFE_INTEGER, toStep: null, series: null, buckets: 4000 };
export const all = { fromSeq: 1, limit: 100_000, types: null };
/** The run in the store's list; none when it is not there. */
export const known = async (store: Store, runId: string) => (await store.runs()).filter((r) => r.runId === runId);

/** A test with the store and a run of its own. */
export type WithStore = (test: (store: Store, runId: string) => Promise<void>) => () => Promise<void>;
