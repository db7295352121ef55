import { hashOf } from '~/server/base/hash';
import type { Progress } from '~/server/base/jobs';
import { columnOf } from '~/server/base/namedSeries';
import type { RunEvent } from '~/shared/events';
import type { ImportChoice, PlannedRun } from '~/shared/imports';
import { MAX_INLINE_CHARACTERS } from '~/shared/media';
import { put } from '~/shared/own';
import { MAX_COLUMNS, type Series, type SeriesRole } from '~/shared/series';
import type { Config } from '~/shared/setup';
import { isTime, timeWish } from '~/shared/times';
import { numberOf, Rounded, shown } from './cells';
import { readCsv } from './csv';
import { type Group, groupsOf, isOfGroup, mlflowFile, runKey, shortened, words } from './groups';
import { ImportError } from './importError';
import { readJson, smallConfig } from './json';
import { planned, plannedRecord, stepsOf, timesOf, unknownRun } from './planned';
import type { PointStream } from './points';
import { type RunReading, RunsReading } from './reading';
import { onDisk, type ReadJob } from './readJob';
import { type GivenFile, type SourceFile, sourcesOf } from './sources';
import { readTensorboard } from './tensorboard';

/**
 * The content of the files, in the order in which it is read. A run of another program is sent only after all of it was read and
 * checked.
 */
export type ImportPart =
  | { kind: 'planned'; run: PlannedRun }
  /** A `.headroom` file has its own reader. */
  | { kind: 'headroom'; key: string; file: GivenFile; asCopy: boolean; alone: boolean }
  | {
      kind: 'run';
      key: string;
      name: string;
      config: Config;
      origin: string;
      leftOut: string[];
      values: number;
      begunMs: number | null;
    }
  | { kind: 'event'; event: RunEvent; atMs: number | null }
  | { kind: 'blob'; hash: string; bytes: Uint8Array }
  | { kind: 'runEnd'; status: RunReading['ended']; step: number; atMs: number | null }
  | { kind: 'failed'; key: string; name: string; message: string }
  | { kind: 'leftOut'; words: string[] };

/** @throws ImportError when the only file yields nothing; an error of one run is sent as `failed`, or is in its plan */
export async function* readImport(job: ReadJob, report: (at: Progress) => void): AsyncGenerator<ImportPart> {
  const { groups, leftOut } = await groupsOf(await sourcesOf(job.files));
  if (job.files.length === 1 && groups.length === 0) throw new ImportError(nothing(leftOut));
  const total = groups.reduce((sum, g) => sum + g.files.reduce((bytes, f) => bytes + f.bytes, 0), 0);
  let before = 0;
  for (const [i, group] of groups.entries()) {
    const chosen = (job.choices.runs ?? []).filter(({ key }) => isOfGroup(group, key));
    const bytes = group.files.reduce((sum, f) => sum + f.bytes, 0);
    const progress = (done: number) =>
      report({ doing: `reading ${group.key}`.slice(0, 120), done: before + done, total, unit: 'bytes' });
    if (job.mode === 'plan' || chosen.length > 0 || !job.choices.runs) {
      if (job.mode === 'read' && group.kind === 'headroom') {
        const [{ name }] = group.files as [SourceFile];
        const asCopy = chosen[0]?.asCopy ?? false;
        try {
          const file = { path: await onDisk(group, job, i), name };
          yield { kind: 'headroom', key: group.key, file, asCopy, alone: groups.length === 1 };
        } catch (error) {
          if (!(error instanceof ImportError)) throw error;
          yield { kind: 'failed', key: group.key, name: group.name, message: error.message };
        }
      } else if (group.kind === 'headroom') yield { kind: 'planned', run: await plannedRecord(group, job, i, progress) };
      else yield* readGroup(job, group, chosen, `${i}`, progress, leftOut);
    }
    before += bytes;
  }
  yield { kind: 'leftOut', words: leftOut };
}

/** Why a file yields no run. */
const nothing = (leftOut: readonly string[]): string =>
  leftOut.some((words) => words.startsWith('empty'))
    ? 'the file is empty'
    : `there is no run in the file: ${leftOut.join('; ') || 'it holds no file'}`;

async function* readGroup(
  job: ReadJob,
  group: Group,
  chosen: readonly ImportChoice[],
  spoolName: string,
  progress: (done: number) => void,
  leftOut: string[],
): AsyncGenerator<ImportPart> {
  const runs = new RunsReading(job.spoolFolder, spoolName);
  const failed = (message: string, about: Partial<PlannedRun>): ImportPart =>
    job.mode === 'plan'
      ? { kind: 'planned', run: { ...unknownRun(group), ...about, error: message } }
      : { kind: 'failed', key: group.key, name: group.name, message };
  try {
    try {
      await readFiles(group, runs, chosen.find((c) => c.axis !== undefined)?.axis ?? job.choices.axis ?? null, progress);
    } catch (error) {
      if (!(error instanceof ImportError)) throw error;
      // A folder also contains settings and notes as JSON and text.
      if (group.bycatch && runs.axis === null && (group.kind === 'json' || group.key.endsWith('.txt')))
        leftOut.push(`${group.key}: ${error.message}`);
      else yield failed(error.message, error.axes ? { axes: error.axes } : {});
      return;
    }
    const found = runs.all().filter((run) => !run.empty);
    if (found.length === 0) {
      const why = runs.all().flatMap((run) => run.leftOut);
      const message = `the ${group.files.length > 1 ? 'files hold' : 'file holds'} no numbers, texts or pictures${why.length > 0 ? `; left out: ${why.join('; ')}` : ''}`;
      yield failed(message, { axis: runs.axis, axes: runs.axes });
    }
    for (const run of found) {
      const key = runKey(group, run.name);
      const choice = chosen.find((c) => c.key === key);
      if (job.mode === 'read' && job.choices.runs && !choice) continue;
      const name = choice?.name ?? (shortened(run.name || run.title) || group.name);
      if (job.mode === 'plan') yield { kind: 'planned', run: planned(group, runs, run, key, name) };
      else yield* partsOf(group, run, key, name, runs.notes);
    }
  } finally {
    runs.close();
  }
}

async function readFiles(group: Group, runs: RunsReading, axis: string | null, progress: (done: number) => void): Promise<void> {
  const [file] = group.files as [SourceFile];
  if (group.kind === 'csv') await readCsv(file, runs, { axis }, progress);
  else if (group.kind === 'json') await readJson(file, runs, { axis }, progress);
  else if (group.kind === 'mlflow') await readMlflow(group, runs);
  else await readTensorboard(group.files, runs.run(), progress);
}

/** The files of a run in MLflow's own folder: a line "time value step" per value, and a file per parameter. */
async function readMlflow(group: Group, runs: RunsReading): Promise<void> {
  const run = runs.run();
  const config: Config = {};
  const tags: Config = {};
  const rounded = new Rounded();
  for (const file of group.files) {
    const [, , kind, name] = mlflowFile.exec(file.name)!;
    const parts: Buffer[] = [];
    for await (const part of await file.open()) parts.push(part);
    const text = Buffer.concat(parts).toString();
    if (kind === 'params') put(config, name!, text.slice(0, 500));
    if (kind === 'tags') put(tags, name!, text.slice(0, 500));
    if (kind !== 'metrics') continue;
    for (const [i, line] of text.split('\n').entries()) {
      if (line.trim() === '') continue;
      const [time = '', written = '', at = '0'] = line.trim().split(' ');
      const timeMs = numberOf(time) ?? Number.NaN;
      const value = numberOf(written);
      const step = numberOf(at);
      const where = `${file.name}, line ${i + 1}`;
      if (!Number.isFinite(timeMs) || value === null || !Number.isSafeInteger(step))
        throw new ImportError(`${where}: "time value step" is expected, not ${JSON.stringify(line.slice(0, 60))}`);
      if (!isTime(timeMs)) throw new ImportError(`${where}: ${shown(time)} is not a time; ${timeWish}`);
      rounded.see(written, value);
      run.points.add(run.points.of(run.nameOf(name!)), step!, timeMs, value);
      run.rows++;
    }
  }
  runs.notes.push(...rounded.words());
  run.title = String(tags['mlflow.runName'] ?? '');
  run.ended = group.ended ?? 'finished';
  run.config = smallConfig({ ...config, ...(Object.keys(tags).length > 0 && { 'mlflow.tags': tags }) });
}

/** Most rows of one log entry. */
const ROWS = 4096;
const ROW_VALUES = 2 ** 18;

function* partsOf(group: Group, run: RunReading, key: string, name: string, notes: readonly string[]): Generator<ImportPart> {
  const { streams } = run;
  const times = timesOf(run);
  const begunMs = times?.first ?? null;
  const origin = `${group.key} (${words[group.kind]})`.slice(-200);
  const leftOut = [...notes, ...run.leftOut];
  yield { kind: 'run', key, name, config: run.config, origin, leftOut, values: run.points.total, begunMs };
  const roles = new Set<SeriesRole>();
  // A declaration has a size limit; series logged together may be split over several.
  for (const [i, stream] of streams.entries())
    for (let c = 0; c < stream.series.length; c += MAX_COLUMNS) {
      const part = { ...stream, series: stream.series.slice(c, c + MAX_COLUMNS) };
      const called = `${i === 0 && c === 0 ? 'steps' : `steps ${i + 1}${c > 0 ? `/${c / MAX_COLUMNS + 1}` : ''}`}`;
      yield* rowsOf(run, part, called, begunMs, roles);
    }
  for (const item of run.media.sorted()) {
    const bytes = run.media.content(item);
    const { kind, name: of, step, timeMs } = item;
    const text = kind === 'image' ? null : bytes.toString();
    const inline = text !== null && text.length <= MAX_INLINE_CHARACTERS;
    const hash = hashOf(bytes);
    if (!inline) yield { kind: 'blob', hash, bytes: new Uint8Array(bytes) };
    const content = inline ? { text } : { blob: { hash, bytes: bytes.length } };
    yield {
      kind: 'event',
      event: { type: 'media', step, name: of, kind, ...content },
      atMs: Number.isNaN(timeMs) ? begunMs : timeMs,
    };
  }
  yield { kind: 'runEnd', status: run.ended, step: stepsOf(run)!.last + 1, atMs: times?.last ?? null };
}

/** Series that can be x axes. */
const axisName = /(^|\/)(global_step|iteration|epoch|epochs|tokens|samples|num_timesteps|total_timesteps)$/i;

/** @param roles those that earlier series of the run have */
function* rowsOf(
  run: RunReading,
  part: PointStream,
  stream: string,
  begunMs: number | null,
  roles: Set<SeriesRole>,
): Generator<ImportPart> {
  const columns = part.series.map(({ name }): Series => {
    const { role, ...column } = columnOf(name);
    const first = role !== undefined && !roles.has(role);
    if (first) roles.add(role);
    return { ...column, ...(first && { role }), ...(axisName.test(name) && { x: true }) };
  });
  yield { kind: 'event', event: { type: 'series', stream, columns }, atMs: begunMs };
  const rows = Math.max(1, Math.min(ROWS, Math.floor(ROW_VALUES / columns.length)));
  for (const { steps, times, values } of run.points.rows(part, rows))
    yield {
      kind: 'event',
      event: { type: 'rows', stream, steps, ...(times && { times }), values },
      atMs: times ? times.reduce((a, b) => Math.max(a, b)) : begunMs,
    };
}

/** Buffers of a part that may move to another thread: those that hold no other data. */
export function ownBuffers(part: ImportPart): ArrayBuffer[] {
  if (part.kind === 'blob') return [part.bytes.buffer as ArrayBuffer];
  if (part.kind !== 'event' || part.event.type !== 'rows') return [];
  const { steps, times, values } = part.event;
  return [values, ...(steps instanceof Float64Array ? [steps] : []), ...(times ? [times] : [])].map(
    (a) => a.buffer as ArrayBuffer,
  );
}
