import { type Entry, places, type SnapshotEvent } from '~/shared/events';
import { emptyView, fold, type RunView } from '~/shared/fold';
import type { BlobReader } from '../blobs';
import { startingAt } from '../log';
import type { Store } from '../store';

/** Where an export reads from: a store, or a connection of its own in the export thread. */
export interface RecordSource extends Pick<Store, 'runs' | 'entries' | 'signals' | 'view'> {
  blobs: BlobReader;
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
    if (!last) throw new Error(`run ${runId}: its log should reach place ${head}, it ends before ${from}`);
    from = last.seq + places(last.event);
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

/** Every step row in force, in step order. */
export async function* rowsInForce(source: RecordSource, runId: string): AsyncGenerator<Rows> {
  const assigned = await source.entries({ runId, fromSeq: 1, limit: 1_000_000, types: ['run.assigned'] });
  const rewinds = assigned.flatMap(({ seq, event }) =>
    event.type === 'run.assigned' ? [{ seq, fromStep: event.fromStep }] : [],
  );
  for await (const page of logPages(source, runId)) {
    for (const { seq, at, event } of page) {
      if (event.type !== 'steps') continue;
      const end = rewinds.reduce((e, r) => (r.seq > seq ? Math.min(e, r.fromStep) : e), event.firstStep + event.count);
      const count = end - event.firstStep;
      const width = event.values.length / event.count;
      if (count > 0) yield { firstStep: event.firstStep, count, at, values: event.values.subarray(0, count * width) };
    }
  }
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
  if (entry?.event.type !== 'snapshot') throw new Error(`run ${runId}: place ${seqs[i]} should hold a snapshot`);
  return entry.event;
}
