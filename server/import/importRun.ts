import { open } from 'node:fs/promises';
import { customAlphabet } from 'nanoid';
import type { Entry, RunEvent } from '~/shared/events';
import { emptyView, ended, fold, type RunView, summarize } from '~/shared/fold';
import type { Actor } from '~/shared/ids';
import type { BlobStore } from '../blobs';
import { maskedCrc32c } from '../export/crc32c';
import type { Store } from '../store';
import { readHeadroomFile } from './headroomFile';
import { ImportError } from './importError';
import { logOf, type Table } from './table';
import { readTable } from './thread';

export interface ImportDeps {
  store: Store;
  blobs: BlobStore;
  now(): number;
  /** Makes a run known that was written to the store beside the hub. */
  adopt(runId: string): Promise<void>;
}

export interface ImportRequest {
  file: string;
  /** What the sender calls the file. */
  name: string;
  actor: Actor;
}

/** Runs being written: what a crash leaves of them is removed at the next start. */
const pendingKey = 'imports.pending';
const newRunId = customAlphabet('0123456789abcdefghijklmnopqrstuvwxyz', 10);

/** Takes away what an import that a crash cut short has left. Before the hub opens. */
export async function forgetCutImports(store: Store): Promise<void> {
  const pending = JSON.parse((await store.setting(pendingKey)) ?? '[]') as string[];
  for (const runId of pending) await store.remove(runId);
  if (pending.length > 0) await store.setSetting(pendingKey, '[]');
}

/**
 * Makes a run of a file: a `.headroom` file whole and unchanged, under its own id (one that was still going on is closed by one more entry); the scalars of a
 * TensorBoard event file or a CSV as a finished run under a new id. The file is read to its end and checked before anything is written.
 *
 * @throws ImportError when the file is not right or its run is already here; then nothing has changed
 */
export async function importRun(deps: ImportDeps, request: ImportRequest): Promise<{ runId: string }> {
  switch (await kindOf(request.file)) {
    case 'headroom':
      return importHeadroom(deps, request);
    case 'tensorboard':
      return importTable(deps, request, await readTable({ file: request.file, kind: 'tensorboard' }), 'TensorBoard');
    case 'csv':
      return importTable(deps, request, await readTable({ file: request.file, kind: 'csv' }), 'CSV');
  }
}

/** By the first bytes: gzip, a TensorBoard record, else text. */
async function kindOf(file: string): Promise<'headroom' | 'tensorboard' | 'csv'> {
  const handle = await open(file);
  try {
    const { bytesRead, buffer } = await handle.read(Buffer.alloc(12), 0, 12, 0);
    if (bytesRead === 0) throw new ImportError('the file is empty');
    if (buffer[0] === 0x1f && buffer[1] === 0x8b) return 'headroom';
    return bytesRead === 12 && maskedCrc32c(buffer.subarray(0, 8)) === buffer.readUInt32LE(8) ? 'tensorboard' : 'csv';
  } finally {
    await handle.close();
  }
}

async function importHeadroom(deps: ImportDeps, { file }: ImportRequest): Promise<{ runId: string }> {
  let runId = '';
  for await (const part of readHeadroomFile(file)) {
    if (part.kind === 'manifest') {
      runId = part.runId;
      if ((await deps.store.runs()).some((r) => r.runId === runId))
        throw new ImportError(`run ${runId} is already here; open it, or delete it first`);
    } else if (part.kind === 'blob') for await (const _ of part.body);
  }
  return writing(deps, runId, async (log) => {
    for await (const part of readHeadroomFile(file)) {
      if (part.kind === 'entries') await log.add(part.entries);
      else if (part.kind === 'blob') await deps.blobs.put(part.hash, part.body);
    }
    const { view } = log;
    if (view && !ended(view.status)) {
      const message = `imported as it stood at step ${view.step}; branch from a checkpoint to go on`;
      await log.add([
        {
          seq: view.seq + 1,
          tenure: view.tenure,
          at: deps.now(),
          event: { type: 'status', status: 'stopped', step: view.step, message },
        },
      ]);
    }
  });
}

async function importTable(
  deps: ImportDeps,
  { name, actor }: ImportRequest,
  table: Table,
  kind: string,
): Promise<{ runId: string }> {
  const title =
    name
      .replace(/\.(csv|headroom)$/i, '')
      .trim()
      .slice(0, 80) || 'Imported run';
  return writing(deps, newRunId(), async (log) => {
    let seq = 1;
    let batch: Entry[] = [];
    let rows = 0;
    for (const { event, atMs } of logOf(table, title, `${name || 'a file'} (${kind})`.slice(0, 200), actor)) {
      batch.push({ seq, tenure: seq === 1 ? 0 : 1, at: atMs ?? deps.now(), event });
      const count = event.type === 'steps' ? event.count : 1;
      seq += count;
      rows += count;
      if (rows < 4096) continue;
      await log.add(batch);
      batch = [];
      rows = 0;
    }
    if (batch.length > 0) await log.add(batch);
  });
}

/** Runs `write` so that a failure or a crash leaves nothing of the run. */
async function writing(deps: ImportDeps, runId: string, write: (log: LogCopy) => Promise<void>): Promise<{ runId: string }> {
  const { store } = deps;
  const pending = async (change: (ids: string[]) => string[]) =>
    store.setSetting(pendingKey, JSON.stringify(change(JSON.parse((await store.setting(pendingKey)) ?? '[]'))));
  await pending((ids) => [...ids, runId]);
  try {
    const log = new LogCopy(store, runId);
    await write(log);
    if (!log.view) throw new ImportError('the file holds no run');
    await store.saveView(log.view, summarize(log.view, 0));
  } catch (error) {
    await store.remove(runId);
    throw error;
  } finally {
    await pending((ids) => ids.filter((id) => id !== runId));
  }
  await deps.adopt(runId);
  return { runId };
}

/** Writes entries as they are to the end of a new run's log. */
class LogCopy {
  view: RunView | null = null;

  constructor(
    private readonly store: Store,
    private readonly runId: string,
  ) {}

  async add(entries: Entry[]): Promise<void> {
    // A write carries one rewind and one tenure: each run.assigned begins another.
    let part: Entry[] = [];
    for (const entry of entries) {
      if (entry.event.type === 'run.assigned' && part.length > 0) {
        await this.#append(part);
        part = [];
      }
      part.push(entry);
    }
    if (part.length > 0) await this.#append(part);
  }

  async #append(entries: Entry[]): Promise<void> {
    const before = this.view;
    const rewind = rewindOf(before, entries[0]!.event);
    let view = before;
    for (const e of entries) view = view ? fold(view, e) : emptyView(this.runId, e);
    await this.store.append({
      runId: this.runId,
      after: before?.seq ?? 0,
      tenure: entries.at(-1)!.tenure,
      nextEvent: 0,
      entries,
      seriesNames: view!.series.map((s) => s.name),
      rewind,
    });
    this.view = view;
  }
}

/** As the room did it: events up to the checkpoint that the trainer resumed from are kept. */
function rewindOf(view: RunView | null, event: RunEvent): { fromStep: number; keepSeq: number } | null {
  if (event.type !== 'run.assigned') return null;
  const { fromStep, checkpoint } = event;
  const resumed = checkpoint && view?.checkpoints.findLast((c) => c.blob.hash === checkpoint.hash && c.step === fromStep);
  return { fromStep, keepSeq: resumed ? resumed.seq : 0 };
}
