import path from 'node:path';
import { withoutUnseen } from '~/shared/ids';
import { ImportError } from './importError';
import { headOf, type SourceFile } from './sources';
import { isEventFile } from './tensorboard';

/** Files that are read together: the event files of one folder, or one table. */
export interface Group {
  kind: 'headroom' | 'tensorboard' | 'csv' | 'json' | 'mlflow';
  /** Identifies it within its import. */
  key: string;
  /** Name of its run, unless the files have one. */
  name: string;
  files: SourceFile[];
  /** It came with a folder: if it cannot be read, it is listed, without an error. */
  bycatch: boolean;
  /** How its run ended, where the files say so. */
  ended?: 'failed' | 'stopped';
}

const tables = /\.(csv|tsv|txt|json|jsonl|ndjson)$/i;
/** File names that a program uses for every run: the folder's name is better. */
const usual =
  /^(metrics|results?|history|log|logs|progress|training|trainer_state|trainer_log|monitor|events\.out\.tfevents.*|wandb-history|data)(\.[a-z]+)?$/i;

/** Beside it, and in folders below, TensorBoard's `add_embedding` writes tables without steps. */
const projector = /^((?:.*\/)?)projector_config\.pbtxt$/;

/** A file of a run in MLflow's own folder: its run, what it holds, and the name of that. */
export const mlflowFile = /^((?:.*\/)?[0-9a-f]{32})\/(metrics|params|tags)\/(.+)$/;

/** What MLflow says about a run, beside its values: a deleted run stays in its folder. Status 4 is FAILED, 5 is KILLED (its RunStatus). */
const mlflowMeta = /^((?:.*\/)?[0-9a-f]{32})\/meta\.yaml$/;

/** @returns also the files that yield nothing, with reasons */
export async function groupsOf(sources: readonly SourceFile[]): Promise<{ groups: Group[]; leftOut: string[] }> {
  const groups = new Map<string, Group>();
  const others = new Map<string, { count: number; example: string }>();
  const superseded = olderStates(sources);
  const projectors = sources.filter(({ name }) => projector.test(name)).map(({ name }) => name.replace(projector, '$1'));
  const deleted = new Set<string>();
  const ends = new Map<string, 'failed' | 'stopped'>();
  const named = new Map<string, number>();
  for (const file of sources) {
    const { name } = file;
    // Files of one name come from several folders: each is a run of its own.
    const times = (named.get(name) ?? 0) + 1;
    named.set(name, times);
    const again = times > 1 ? ` (${times})` : '';
    const folder = path.posix.dirname(name);
    const inFolder = folder !== '.';
    const about = mlflowMeta.exec(name);
    if (about) {
      const text = (await headOf(file, 1 << 16)).toString();
      if (/^lifecycle_stage:\s*deleted\s*$/m.test(text)) deleted.add(about[1]!);
      const status = /^status:\s*([45])\s*$/m.exec(text)?.[1];
      if (status) ends.set(about[1]!, status === '4' ? 'failed' : 'stopped');
      continue;
    }
    const mlflow = mlflowFile.exec(name);
    const ofProjector = /\/(tensors|metadata)\.tsv$/.test(name) && projectors.some((within) => name.startsWith(within));
    const kind = mlflow ? 'mlflow' : superseded.has(name) || ofProjector ? null : await kindOf(file, inFolder);
    if (kind === null || file.bytes === 0) {
      const what = superseded.has(name)
        ? 'trainer_state.json of earlier checkpoints'
        : file.bytes === 0
          ? 'empty files'
          : `files ${path.posix.extname(name) ? `*${path.posix.extname(name)}` : `such as ${path.posix.basename(name)}`}`;
      const known = others.get(what) ?? { count: 0, example: name };
      others.set(what, { ...known, count: known.count + 1 });
      continue;
    }
    const own = mlflow
      ? mlflow[1]!
      : kind === 'tensorboard' && path.posix.basename(name).includes('tfevents')
        ? `${folder}/`
        : name;
    const joined = `${own}${again}`;
    const group = groups.get(joined);
    if (group) {
      group.files.push(file);
      continue;
    }
    const title = mlflow ? mlflow[1]! : titleOf(name);
    const key = `${mlflow ? own : name}${again}`;
    groups.set(joined, { kind, key, name: shortened(`${title}${again}`), files: [file], bycatch: inFolder });
  }
  for (const run of deleted) groups.delete(run);
  for (const [run, ended] of ends) {
    const group = groups.get(run);
    if (group) group.ended = ended;
  }
  if (deleted.size > 0) others.set('runs that were deleted in MLflow', { count: deleted.size, example: [...deleted][0]! });
  for (const group of groups.values()) group.files.sort((a, b) => (a.name < b.name ? -1 : 1));
  return {
    groups: [...groups.values()].sort((a, b) => a.key.localeCompare(b.key, 'en', { numeric: true })),
    leftOut: [...others].map(([what, { count, example }]) => `${what}: ${count}${count === 1 ? ` (${example})` : ''}`),
  };
}

/** The name of a run has at most 80 characters; the end of a longer one often tells runs apart. No character is cut in half. */
export function shortened(title: string): string {
  const text = withoutUnseen(title).trim();
  if (text.length <= 80) return text;
  // At a space where one is near.
  const start = text.slice(0, 45).replace(/^(.{30,})\s\S*$|[\ud800-\udbff]$/, '$1');
  const end = text.slice(-32).replace(/^\S*\s(.{16,})$|^[\udc00-\udfff]/, '$1');
  return `${start.trimEnd()} … ${end.trimStart()}`;
}

function titleOf(name: string): string {
  const base = path.posix.basename(name);
  const folder = path.posix.dirname(name);
  const title = folder !== '.' && usual.test(base) ? folder : base.replace(/\.(csv|tsv|txt|json|jsonl|ndjson|headroom)$/i, '');
  return shortened(title) || 'Imported run';
}

/** The kind of a file by its first bytes, and in a folder also by its name, so that not every text in it is taken for a table. */
async function kindOf(file: SourceFile, inFolder: boolean): Promise<Group['kind'] | null> {
  const head = await headOf(file, 4096).catch((error) => {
    if (!(error instanceof ImportError)) throw error;
    return null;
  });
  // Its reader reports the error; of an offline run of W&B, how it comes in.
  if (head === null || file.name.endsWith('.wandb')) return 'csv';
  // Named as one of ours: its reader says what is wrong with it.
  if ((head[0] === 0x1f && head[1] === 0x8b) || /\.headroom$/i.test(file.name)) return 'headroom';
  if (isEventFile(head)) return 'tensorboard';
  if (path.posix.basename(file.name).includes('tfevents')) return 'tensorboard';
  if (inFolder && !tables.test(file.name)) return null;
  const text = head
    .toString('latin1')
    .replace(/^(\xef\xbb\xbf|\xff\xfe|\xfe\xff)/, '')
    .replaceAll('\0', '');
  return /^\s*[{[]/.test(text) || /\.(json|jsonl|ndjson)$/i.test(file.name) ? 'json' : 'csv';
}

/** Of several states that a Hugging Face trainer saved during a run, the last one contains the others. */
function olderStates(sources: readonly SourceFile[]): Set<string> {
  const last = new Map<string, { step: number; name: string }>();
  const older = new Set<string>();
  for (const { name } of sources) {
    const found = /^(.*?)(?:\/?checkpoint-(\d+))?\/?trainer_state\.json$/.exec(name);
    if (!found) continue;
    const step = found[2] === undefined ? Number.POSITIVE_INFINITY : Number(found[2]);
    const other = last.get(found[1]!);
    if (other) older.add(other.step < step ? other.name : name);
    if (!other || other.step < step) last.set(found[1]!, { step, name });
  }
  return older;
}

/** Key of a run within its group. */
export const runKey = (group: Group, run: string): string => (run === '' ? group.key : `${group.key}#${run}`);
export const isOfGroup = (group: Group, key: string): boolean => key === group.key || key.startsWith(`${group.key}#`);
export const words = { headroom: 'Headroom', tensorboard: 'TensorBoard', csv: 'CSV', json: 'JSON', mlflow: 'MLflow' } as const;
