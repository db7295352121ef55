import type { Progress } from '~/server/base/jobs';
import { startingAt } from '~/server/runs/log';
import type { Store } from '~/server/store';
import type { BlobReader } from '~/server/store/blobs';
import { type Entry, type SnapshotEvent, seqCount } from '~/shared/events';
import { emptyView, fold } from '~/shared/fold';
import type { RunView } from '~/shared/view';

/** Where an export reads from: a store, or a connection of its own in the export thread. */
export interface RecordSource extends Pick<Store, 'runs' | 'entries' | 'range' | 'signals' | 'view'> {
  blobs: BlobReader;
  /** Told how far the reading is. */
  progress?(at: Progress): void;
}

/** A request that cannot be met; the message goes to whoever asked. */
export class ExportError extends Error {
  override name = 'ExportError';
}

/** The log up to the place it had when asked, in pages. */
export async function* logPages(source: RecordSource, runId: string, fromSeq = 1): AsyncGenerator<Entry[]> {
  const head = (await source.runs()).find((r) => r.runId === runId)?.head;
  if (head === undefined) throw new ExportError(`runId: there is no run ${runId}`);
  for (let from = fromSeq; from <= head; ) {
    const page = await source.entries({ runId, fromSeq: from, limit: 1000, types: null });
    const last = page.at(-1);
    if (!last) throw new Error(`run ${runId}: its log should reach seq ${head}, it ends before ${from}`);
    from = last.seq + seqCount(last.event);
    source.progress?.({ doing: 'reading the log', done: Math.min(head, from - 1), total: head, unit: 'entries' });
    // Entries of one commit end at a head, so none straddles it.
    yield page.filter((e) => e.seq <= head);
  }
}

export async function viewOf(source: RecordSource, runId: string): Promise<RunView> {
  let view = await source.view(runId);
  for await (const page of logPages(source, runId, (view?.seq ?? 0) + 1))
    for (const e of page) view = view ? fold(view, startingAt(e, view.seq + 1)) : emptyView(runId, e);
  return view!;
}

/** Consecutive step rows in force: values [count, series], committed at `at`. */
export interface Rows {
  firstStep: number;
  count: number;
  at: number;
  values: Float64Array;
}

export interface StepRange {
  from: number;
  /** Exclusive. */
  to: number;
}

/** The step rows in force of a range, in step order. A part of a long run is found without reading the rest. */
export async function* rowsInForce(
  source: RecordSource,
  runId: string,
  { from = 0, to = Number.POSITIVE_INFINITY }: Partial<StepRange> = {},
): AsyncGenerator<Rows> {
  const assigned = await source.entries({ runId, fromSeq: 1, limit: 1_000_000, types: ['run.assigned'] });
  const attempts = assigned.flatMap(({ seq, event }) => (event.type === 'run.assigned' ? [{ seq, from: event.fromStep }] : []));
  // Rows before any attempt: those of an imported table.
  attempts.unshift({ seq: 1, from: 0 });
  for (const [i, { seq }] of attempts.entries()) {
    const next = attempts[i + 1]?.seq ?? Number.POSITIVE_INFINITY;
    const stop = Math.min(to, ...attempts.slice(i + 1).map((t) => t.from));
    if (stop > from) yield* attemptRows(source, runId, await seqOfStep(source, runId, seq, next, from), next, from, stop);
  }
}

/** Rows of from <= step < to among the entries fromSeq <= seq < next, where steps rise. */
async function* attemptRows(
  source: RecordSource,
  runId: string,
  fromSeq: number,
  next: number,
  from: number,
  to: number,
): AsyncGenerator<Rows> {
  for await (const page of logPages(source, runId, fromSeq)) {
    for (const { seq, at, event } of page) {
      if (seq >= next) return;
      if (event.type !== 'steps') continue;
      if (event.firstStep >= to) return;
      const first = Math.max(from, event.firstStep);
      const count = Math.min(to, event.firstStep + event.count) - first;
      if (count <= 0) continue;
      const width = event.values.length / event.count;
      const skipped = first - event.firstStep;
      yield { firstStep: first, count, at, values: event.values.subarray(skipped * width, (skipped + count) * width) };
    }
  }
}

/** The place from which the entries first <= seq < next reach `step`, found by halving. */
async function seqOfStep(source: RecordSource, runId: string, first: number, next: number, step: number): Promise<number> {
  if (step === 0) return first;
  const head = (await source.runs()).find((r) => r.runId === runId)?.head ?? 0;
  let [low, high] = [first, Math.min(next, head + 1)];
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    const [entry] = await source.entries({ runId, fromSeq: middle, limit: 1, types: ['steps'] });
    const before = entry?.event.type === 'steps' && entry.seq < next && entry.event.firstStep + entry.event.count <= step;
    if (before) low = Math.max(middle + 1, entry.seq + seqCount(entry.event));
    else high = middle;
  }
  return low;
}

/** The snapshot in force at `step`, or before it the nearest. */
export async function snapshotAt(source: RecordSource, runId: string, step: number): Promise<SnapshotEvent> {
  const { steps, seqs } = await source.signals(runId);
  const i = steps.findLastIndex((s) => s <= step);
  if (i < 0)
    throw new ExportError(
      `step: run ${runId} has no snapshot at or before step ${step}${steps.length > 0 ? `; the first is at ${steps[0]}` : ''}`,
    );
  const [entry] = await source.entries({ runId, fromSeq: seqs[i]!, limit: 1, types: ['snapshot'] });
  if (entry?.event.type !== 'snapshot') throw new Error(`run ${runId}: seq ${seqs[i]} should hold a snapshot`);
  return entry.event;
}
