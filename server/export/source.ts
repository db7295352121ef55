import type { Progress } from '~/server/base/jobs';
import { startingAt } from '~/server/runs/log';
import type { Store } from '~/server/store';
import type { BlobReader } from '~/server/store/blobs';
import { rewindOf } from '~/server/store/checkAppend';
import type { Entry } from '~/shared/events';
import { emptyView, fold } from '~/shared/fold';
import { seqCount } from '~/shared/rows';
import type { ListItems, RunView } from '~/shared/view';

/** The source of an export: a store, or the export thread's own connection. */
export interface RecordSource
  extends Pick<
    Store,
    | 'runs'
    | 'entries'
    | 'range'
    | 'rows'
    | 'streams'
    | 'signals'
    | 'view'
    | 'list'
    | 'item'
    | 'near'
    | 'console'
    | 'setting'
    | 'chainAt'
  > {
  blobs: BlobReader;
  /** Called with the progress of reading. */
  progress?(at: Progress): void;
}

/** A request that cannot be fulfilled; the message is for the client. */
export class ExportError extends Error {
  override name = 'ExportError';
}

/**
 * Passes on the parts of an export, which reads page by page while the run goes on.
 *
 * @param rows it has the rows in force, so that all of them must be of one state; a log never changes
 * @throws ExportError when the run was deleted, or rows were taken back, before everything was read
 */
export async function* ofOneState(
  source: RecordSource,
  runId: string,
  rows: boolean,
  parts: AsyncGenerator<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  const headOf = async () => (await source.runs()).find((r) => r.runId === runId)?.head;
  const head = await headOf();
  if (head === undefined) throw new ExportError(`runId: there is no run ${runId}`);
  const streams = await source.streams(runId);
  const lastStep = streams.reduce((step, s) => Math.max(step, s.lastStep ?? step), Number.NEGATIVE_INFINITY);
  let failure: unknown;
  try {
    yield* parts;
    if (!rows) return;
  } catch (error) {
    failure = error;
  }
  if ((await headOf()) === undefined) throw new ExportError(`run ${runId} was deleted while it was exported`);
  if (failure !== undefined) throw failure;
  const types = ['rewind', 'run.assigned'] as const;
  const back = (await source.entries({ runId, fromSeq: head + 1, limit: 1000, types }))
    .map(({ event }) => rewindOf(event)?.fromStep)
    .find((step) => step !== undefined && step <= lastStep);
  if (back !== undefined) throw new ExportError(`run ${runId} went back to step ${back} while it was exported; export it again`);
}

/** The log up to its head at the time of the call, in pages. */
export async function* logPages(source: RecordSource, runId: string, fromSeq = 1): AsyncGenerator<Entry[]> {
  const head = (await source.runs()).find((r) => r.runId === runId)?.head;
  if (head === undefined) throw new ExportError(`runId: there is no run ${runId}`);
  for (let from = fromSeq; from <= head; ) {
    const page = await source.entries({ runId, fromSeq: from, limit: 1000, types: null });
    const last = page.at(-1);
    if (!last) throw new Error(`run ${runId}: its log should reach seq ${head}, it ends before ${from}`);
    from = last.seq + seqCount(last.event);
    source.progress?.({ doing: 'reading the log', done: Math.min(head, from - 1), total: head, unit: 'entries' });
    // Entries of one commit end at a head, so no entry spans it.
    yield page.filter((e) => e.seq <= head);
  }
}

export async function viewOf(source: RecordSource, runId: string): Promise<RunView> {
  let view = await source.view(runId);
  for await (const page of logPages(source, runId, (view?.seq ?? 0) + 1))
    for (const e of page) view = view ? fold(view, startingAt(e, view.seq + 1)) : emptyView(runId, e);
  return view!;
}

export interface StepRange {
  from: number;
  /** Exclusive. */
  to: number;
}

/** The snapshot in force at `step`, or the nearest one before it. */
export async function snapshotAt(source: RecordSource, runId: string, step: number): Promise<ListItems['snapshots']> {
  const { before, after } = await source.near({ runId, kind: 'snapshots', step, limit: 1 });
  const [found] = before;
  if (found) return found;
  const first = after[0] ? `; the first is at ${after[0].step}` : '';
  throw new ExportError(`step: run ${runId} has no snapshot at or before step ${step}${first}`);
}
