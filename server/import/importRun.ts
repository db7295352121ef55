import path from 'node:path';
import { Readable } from 'node:stream';
import { customAlphabet } from 'nanoid';
import { blobsNamed } from '~/server/base/blobsNamed';
import type { Job } from '~/server/base/jobs';
import { wayBack } from '~/server/runs/resumed';
import type { Store } from '~/server/store';
import { asSent } from '~/server/store/completeLog';
import { listsOf } from '~/server/store/lists';
import type { LogCopy } from '~/server/store/logCopy';
import { filedKinds, missingKey } from '~/server/store/lostBlobs';
import { canonical } from '~/shared/canonical';
import type { Entry, RunEvent } from '~/shared/events';
import type { Actor } from '~/shared/ids';
import type { ImportChoices, ImportPlan, ImportResult } from '~/shared/imports';
import { serialize } from '~/shared/json';
import { seqCount } from '~/shared/rows';
import { ended } from '~/shared/view';
import { AlreadyHereError, ImportError } from './importError';
import type { ImportPart } from './readRuns';
import type { RecordPart } from './recordParts';
import type { GivenFile } from './sources';
import { readInThread, recordInThread } from './thread';
import { changeList, type ImportDeps, isImporting, writing } from './unfinishedImports';

export interface ImportRequest {
  files: GivenFile[];
  /** A folder of its own for temporary data; it exists. */
  spoolFolder: string;
  actor: Actor;
  choices?: ImportChoices;
  following?: Pick<Job, 'progress' | 'signal'>;
}

const newRunId = customAlphabet('0123456789abcdefghijklmnopqrstuvwxyz', 10);

/** What an import of the files would make; nothing is written. @throws ImportError when the only file yields nothing; AbortError */
export async function planImport(
  { store }: Pick<ImportDeps, 'store'>,
  request: Omit<ImportRequest, 'actor'>,
): Promise<ImportPlan> {
  const { files, spoolFolder, choices = {}, following } = request;
  const here = new Set((await store.runs()).map((r) => r.runId));
  const plan: ImportPlan = { runs: [], leftOut: [] };
  for await (const part of readInThread({ files, spoolFolder, mode: 'plan', choices }, following)) {
    if (part.kind === 'leftOut') plan.leftOut.push(...part.words);
    if (part.kind !== 'planned') continue;
    const known = part.run.here !== null && here.has(part.run.here);
    plan.runs.push({ ...part.run, here: known ? `run ${part.run.here} is here already` : null });
  }
  return plan;
}

/**
 * Imports runs from files: a `.headroom` file whole and unchanged, under its own id or as a copy (a run that had not ended gets
 * one more entry that ends it); files of other programs as finished runs under new ids. A run is read to its end and checked
 * before any of it is written; a failed one leaves nothing and does not stop the others.
 *
 * @throws ImportError when the only file yields nothing; AlreadyHereError when the one file's run is here; AbortError when it is
 *   canceled: runs that are already complete stay
 */
export async function importFiles(deps: ImportDeps, request: ImportRequest): Promise<ImportResult> {
  const { files, spoolFolder, choices = {}, following } = request;
  const result: ImportResult = { runs: [], leftOut: [] };
  const parts = readInThread({ files, spoolFolder, mode: 'read', choices }, following);
  const next = async () => {
    const { value, done } = await parts.next();
    return done ? null : value;
  };
  try {
    for (let part = await next(); part; part = await next()) {
      if (part.kind === 'leftOut') result.leftOut.push(...part.words);
      else if (part.kind === 'failed')
        result.runs.push({ key: part.key, name: part.name, runId: null, leftOut: null, error: part.message });
      else if (part.kind === 'headroom') {
        const { key, file, asCopy, alone } = part;
        const name = path.posix.basename(file.name);
        try {
          const { runId, missing } = await importRecord(deps, { file: file.path, name, asCopy, following });
          const leftOut = missing > 0 ? `${missing} files of snapshots, checkpoints or samples, which the file lacks` : null;
          result.runs.push({ key, name, runId, leftOut, error: null });
        } catch (error) {
          // For a single run, the error itself is the answer.
          if (!(error instanceof ImportError) || alone) throw error;
          result.runs.push({ key, name, runId: null, leftOut: null, error: error.message });
        }
      } else if (part.kind === 'run') {
        const { key, name, leftOut } = part;
        const runId = await importRead(deps, request, part, next);
        result.runs.push({ key, name, runId, leftOut: leftOut.length > 0 ? leftOut.join('; ') : null, error: null });
      } else throw new Error(`import: ${part.kind} came before its run`);
    }
    return result;
  } finally {
    await parts.return(undefined);
  }
}

type Read = Extract<ImportPart, { kind: 'run' }>;

/** Writes a run of another program as the log of a finished run. Its trainer and device are unknown, and left unknown. */
async function importRead(
  deps: ImportDeps,
  { actor, choices, following }: ImportRequest,
  { name, config, origin, leftOut, values, begunMs }: Read,
  next: () => Promise<ImportPart | null>,
): Promise<string> {
  const setup = { name, project: choices?.project ?? 'default', tags: [], recipe: null, config };
  const now = deps.now();
  return writing(deps, newRunId(), async (log, keep) => {
    let seq = 1;
    let batch: Entry[] = [];
    let rows = 0;
    let written = 0;
    const put = async (event: RunEvent, atMs: number | null) => {
      batch.push({ seq, attempt: 0, at: atMs ?? now, event });
      const count = seqCount(event);
      seq += count;
      rows += count;
      if (event.type === 'rows') written += event.values.length;
      if (rows < 4096) return;
      following?.signal.throwIfAborted();
      await log.add(batch);
      following?.progress({ doing: `writing ${name}`, done: written, total: values, unit: 'values' });
      batch = [];
      rows = 0;
    };
    await put({ type: 'run.created', setup, actor, parent: null }, begunMs);
    for (;;) {
      const part = await next();
      if (part?.kind === 'event') await put(part.event, part.atMs);
      else if (part?.kind === 'blob') await keep(part.hash, Readable.from([Buffer.from(part.bytes)], { objectMode: false }));
      else if (part?.kind === 'runEnd') {
        const why = part.status === 'failed' ? 'the files do not say why; ' : '';
        const message =
          `${why}imported from ${origin}${leftOut.length > 0 ? `; left out or assumed: ${leftOut.join('; ')}` : ''}`.slice(
            0,
            2000,
          );
        await put({ type: 'status', status: part.status, step: part.step, message }, part.atMs);
        break;
      } else throw new Error(`import: ${part?.kind ?? 'the end'} came in the middle of a run`);
    }
    if (batch.length > 0) await log.add(batch);
  });
}

async function importRecord(
  deps: ImportDeps,
  { file, name, asCopy, following }: { file: string; name: string; asCopy: boolean; following?: ImportRequest['following'] },
): Promise<{ runId: string; missing: number }> {
  const parts = recordInThread({ mode: 'record', file, name: name || 'the file' }, following);
  try {
    const original = await checkedRun(parts);
    if (!asCopy && isImporting(deps.store, original))
      throw new ImportError(`run ${original} is being imported at this moment; wait for that to end`);
    if (!asCopy && (await deps.store.runs()).some((r) => r.runId === original))
      throw await alreadyHere(deps.store, original, parts);
    const runId = asCopy ? newRunId() : original;
    let missing = 0;
    await writing(deps, runId, async (log, keep) => {
      for await (const body of blobsAmong(parts, (entries) =>
        log.add(asCopy ? entries.map((e) => copied(e, original, runId)) : entries),
      ))
        await keep(body.hash, body.bytes);
      const { view } = log;
      if (view && !ended(view.status)) {
        const back = await wayBack(listsOf(deps.store, runId), deps.store, view);
        const step = back?.step ?? view.step;
        const message = `imported as it stood at step ${step}; branch from a checkpoint to go on`;
        const events: RunEvent[] = [...(back ? [back] : []), { type: 'status', status: 'stopped', step, message }];
        const at = deps.now();
        await log.add(events.map((event, i) => ({ seq: view.seq + 1 + i, attempt: view.attempt, at, event })));
      }
      missing = await noteMissing(deps, runId, log);
    });
    return { runId, missing };
  } finally {
    await parts.return(undefined);
  }
}

/**
 * Notes which files of items in force the run's file lacked, so that they are not taken for lost here. Snapshots and checkpoints
 * without their file can be neither shown nor continued from: an entry takes them from the lists. @returns how many files
 */
async function noteMissing({ store, blobs, now }: ImportDeps, runId: string, log: LogCopy): Promise<number> {
  const missing = new Set<string>();
  for (const kind of filedKinds) {
    const seqs: number[] = [];
    for await (const items of listsOf(store, runId).pages(kind))
      for (const item of items) {
        const gone: string[] = [];
        for (const hash of blobsNamed(item as Parameters<typeof blobsNamed>[0])) if (!(await blobs.has(hash))) gone.push(hash);
        for (const hash of gone) missing.add(hash);
        // Those that a script keeps itself were never in the file.
        if (gone.includes(item.blob?.hash ?? '') && !('reference' in item)) seqs.push(item.seq);
      }
    if (kind === 'media' || seqs.length === 0) continue;
    const what = seqs.length === 1 ? `1 ${kind.slice(0, -1)} is` : `${seqs.length} ${kind} are`;
    const message = `${what} not listed: the imported file lacks what belongs to ${seqs.length === 1 ? 'it' : 'them'}`;
    const { seq, attempt } = log.view!;
    await log.add([{ seq: seq + 1, attempt, at: now(), event: { type: `${kind}.thinned`, seqs, message } }]);
  }
  if (missing.size > 0) await changeList(store, missingKey, (known) => [...new Set([...known, ...missing])]);
  return missing.size;
}

/** Waits until the whole file has been checked. @returns its run */
async function checkedRun(parts: AsyncGenerator<RecordPart>): Promise<string> {
  let runId = '';
  for (;;) {
    const { value, done } = await parts.next();
    if (done) throw new Error('import: the file was not checked');
    if (value.kind === 'manifest') runId = value.runId;
    if (value.kind === 'checked') return runId;
  }
}

/** The blobs of a file, each to be read to its end; its entries are passed to `onEntries`. */
async function* blobsAmong(
  parts: AsyncGenerator<RecordPart>,
  onEntries: (entries: Entry[]) => Promise<void>,
): AsyncGenerator<{ hash: string; bytes: AsyncIterable<Uint8Array> }> {
  let next = await parts.next();
  const bytes = async function* () {
    for (next = await parts.next(); !next.done && next.value.kind === 'bytes'; next = await parts.next()) yield next.value.bytes;
  };
  while (!next.done) {
    const part = next.value;
    if (part.kind === 'blob') {
      yield { hash: part.hash, bytes: bytes() };
      continue;
    }
    if (part.kind === 'entries') await onEntries(part.entries);
    next = await parts.next();
  }
}

/** The same entry in a run with another id. */
function copied({ event, ...entry }: Entry, original: string, runId: string): Entry {
  if (event.type === 'run.created') {
    // The key stays with the run that its script opened.
    const { openKey: _openKey, ...created } = event;
    return { ...entry, event: { ...created, copyOf: original } };
  }
  if ((event.type === 'command.requested' || event.type === 'command.proposed') && event.command.runId === original)
    return { ...entry, event: { ...event, command: { ...event.command, runId } } };
  return { ...entry, event };
}

/** Reports how the file's log differs from the stored one. */
async function alreadyHere(store: Store, runId: string, parts: AsyncGenerator<RecordPart>): Promise<AlreadyHereError> {
  const here = (await store.runs()).find((r) => r.runId === runId)!.head;
  let at = 0;
  for await (const part of parts) {
    if (part.kind !== 'entries') continue;
    let known: Entry[] = [];
    for (const entry of part.entries) {
      if (known.length === 0) known = await store.entries({ runId, fromSeq: entry.seq, limit: 1000, types: null });
      const same = known.shift();
      if (!same || !sameEntry(same, entry))
        return new AlreadyHereError(
          runId,
          false,
          same || entry.seq <= here
            ? `run ${runId} is already here and went another way: the two differ from entry ${entry.seq} on; import the file as a copy to keep both`
            : `run ${runId} is already here, but only up to entry ${here}: the file goes on from there; import it as a copy to keep both`,
        );
      at = entry.seq + seqCount(entry.event) - 1;
    }
  }
  return new AlreadyHereError(
    runId,
    true,
    at === here
      ? `run ${runId} is already here, and the file holds exactly the same ${at} entries: there is nothing to import`
      : `run ${runId} is already here with all ${at} entries of the file and ${here - at} more: there is nothing to import`,
  );
}

/**
 * Equal in every number and word, whatever the order of their fields; fields that the server added to entries of version 0.1 are
 * ignored.
 */
const sameEntry = (a: Entry, b: Entry): boolean => canonical(serialize(asSent(a))) === canonical(serialize(asSent(b)));
