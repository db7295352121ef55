/** Reads files of other programs as an import does, without a server and without a thread. */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { encodeEvent, recordOf } from '~/server/base/tensorboardEvents';
import { readImport } from '~/server/import/readRuns';
import type { ImportChoices, ImportPlan } from '~/shared/imports';
import { stepAt } from '~/shared/rows';
import type { Config } from '~/shared/setup';

/** [step, ms since 1970 or null, value] */
export type Point = [step: number, timeMs: number | null, value: number];

export interface ReadRun {
  name: string;
  series: Map<string, Point[]>;
  /** Series by stream. */
  streams: string[][];
  /** Series that have a role, with it. */
  roles: Record<string, string>;
  media: { kind: string; name: string; step: number; content: string | Uint8Array }[];
  config: Config;
  leftOut: string[];
  /** How it ended. */
  status: string;
}
export interface ReadFiles {
  runs: ReadRun[];
  refused: string[];
  leftOut: string[];
}

export type Files = Record<string, string | Uint8Array>;
let folders = 0;

function given(folder: string, files: Files) {
  const own = path.join(folder, `import${folders++}`);
  mkdirSync(path.join(own, 'spool'), { recursive: true });
  const list = Object.entries(files).map(([name, bytes], i) => {
    const file = path.join(own, String(i));
    writeFileSync(file, bytes);
    return { path: file, name };
  });
  return { own, files: list, spoolFolder: path.join(own, 'spool') };
}

/** @param folder folder for the written files; each name may be a path */
export async function readFiles(folder: string, files: Files, choices: ImportChoices = {}): Promise<ReadFiles> {
  const { own, ...job } = given(folder, files);
  const all: ReadFiles = { runs: [], refused: [], leftOut: [] };
  const blobs = new Map<string, Uint8Array>();
  try {
    for await (const part of readImport({ ...job, mode: 'read', choices }, () => {})) {
      const run = all.runs.at(-1)!;
      if (part.kind === 'run')
        all.runs.push({
          name: part.name,
          series: new Map(),
          streams: [],
          roles: {},
          media: [],
          config: part.config,
          leftOut: part.leftOut,
          status: '',
        });
      else if (part.kind === 'runEnd') run.status = part.status;
      else if (part.kind === 'failed') all.refused.push(part.message);
      else if (part.kind === 'leftOut') all.leftOut.push(...part.words);
      else if (part.kind === 'blob') blobs.set(part.hash, part.bytes);
      else if (part.kind === 'event' && part.event.type === 'series') {
        run.streams.push(part.event.columns.map((c) => c.name));
        for (const { name, role } of part.event.columns) {
          run.series.set(name, []);
          if (role) run.roles[name] = role;
        }
      } else if (part.kind === 'event' && part.event.type === 'rows') {
        const { event } = part;
        const columns = run.streams.at(-1)!;
        for (let r = 0; r < event.values.length / columns.length; r++)
          for (const [c, name] of columns.entries())
            run.series.get(name)!.push([stepAt(event, r), event.times?.[r] ?? null, event.values[r * columns.length + c]!]);
      } else if (part.kind === 'event' && part.event.type === 'media') {
        const { kind, name, step, text, blob } = part.event;
        run.media.push({ kind, name, step, content: text ?? blobs.get(blob!.hash)! });
      }
    }
  } finally {
    rmSync(own, { recursive: true, force: true });
  }
  return all;
}

/** The import plan for the files. */
export async function planFiles(folder: string, files: Files, choices: ImportChoices = {}): Promise<ImportPlan> {
  const { own, ...job } = given(folder, files);
  const plan: ImportPlan = { runs: [], leftOut: [] };
  try {
    for await (const part of readImport({ ...job, mode: 'plan', choices }, () => {}))
      if (part.kind === 'planned') plan.runs.push(part.run);
      else if (part.kind === 'leftOut') plan.leftOut.push(...part.words);
  } finally {
    rmSync(own, { recursive: true, force: true });
  }
  return plan;
}

/** The values of the only run, by series and step. @throws Error when the files are refused */
export async function valuesIn(
  folder: string,
  files: Files,
  choices: ImportChoices = {},
): Promise<Record<string, Record<number, number>>> {
  const { runs, refused, leftOut } = await readFiles(folder, files, choices);
  if (runs.length !== 1) throw new Error(refused[0] ?? `${runs.length} runs; ${leftOut.join('; ')}`);
  return Object.fromEntries(
    [...runs[0]!.series].map(([name, points]) => [name, Object.fromEntries(points.map(([s, , v]) => [s, v]))]),
  );
}

type Event = Parameters<typeof encodeEvent>[0];
/** An event file: the version record, then these events. */
export const eventFile = (...events: Event[]): Buffer =>
  Buffer.concat([{ wallTime: 1_700_000_000, fileVersion: 'brain.Event:2' }, ...events].map((e) => recordOf(encodeEvent(e))));
/** An event with a step's scalars; `wallTime` in seconds since 1970. */
export const scalars = (wallTime: number, step: number, values: Record<string, number>): Event => ({
  wallTime,
  step,
  summary: { value: Object.entries(values).map(([tag, simpleValue]) => ({ tag, simpleValue })) },
});
