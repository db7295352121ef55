import { z } from 'zod';
import { unzipped } from '~/server/base/unzipped';
import type { ExportFormat } from '~/shared/exports';
import { forFile } from '~/shared/fileNames';
import { runId } from '~/shared/ids';
import { npy } from '~/shared/npy';
import { parseSafetensors, type StoredTensor } from '~/shared/safetensors';
import { signalBlock } from '~/shared/signals';
import { plainSnapshot } from '~/shared/snapshotPlain';
import { writeHeadroomFile } from './headroomFile';
import { writeReplay } from './replay';
import { ExportError, ofOneState, type RecordSource, snapshotAt } from './source';
import { writeCsv, writeJson, writeParquet } from './tables';
import { writeTensorboard } from './tensorboard';

const whole = z
  .string()
  .regex(/^-?\d{1,16}$/, 'give a whole number, e.g. 1000')
  .transform(Number);

/** Parameters of GET /api/runs/<id>/export, without the format. */
const parameters = z.strictObject({
  runId,
  step: whole.optional(),
  tensor: z.string().min(1).max(100).optional(),
  signal: z.string().min(1).max(100).optional(),
  /** html only: number of snapshots to include, evenly spaced; left out = all. */
  snapshots: z
    .union(
      [
        z.literal('all'),
        z
          .string()
          .regex(/^\d{1,6}$/)
          .transform(Number),
      ],
      'give "all", or how many: a whole number from 0',
    )
    .optional(),
  /** csv only: these columns, for the steps from <= step < to; left out = all. */
  series: z.array(z.string().min(1).max(512)).max(4096).optional(),
  from: whole.optional(),
  to: whole.optional(),
});
type Parameters = z.infer<typeof parameters> & { format: string };

interface Format extends Omit<ExportFormat, 'format'> {
  type: string;
  /** @param at ms since 1970 */
  file(name: string, at: number): string;
  /** @throws ExportError when the requested content does not exist */
  write(source: RecordSource, query: Parameters, now: number): AsyncGenerator<Uint8Array>;
}

/** Every format: the one place that a new one is added to. Requests, menus and file names derive from it. */
const formats = {
  headroom: {
    title: 'Everything',
    what: 'one .headroom file, to be imported elsewhere with nothing lost',
    of: 'run',
    type: 'application/gzip',
    file: (name) => `${name}.headroom`,
    write: (source, query, now) => writeHeadroomFile(source, query.runId, now),
  },
  csv: {
    title: 'CSV',
    what: 'every step, every series',
    of: 'run',
    type: 'text/csv; charset=utf-8',
    file: (name) => `${name}.csv`,
    write: (source, query) => writeCsv(source, query.runId, query),
  },
  json: {
    title: 'JSON',
    what: 'the whole log',
    of: 'run',
    type: 'application/json',
    file: (name) => `${name}.json`,
    write: (source, query) => writeJson(source, query.runId),
  },
  parquet: {
    title: 'Parquet',
    what: 'every step, every series',
    of: 'run',
    type: 'application/vnd.apache.parquet',
    file: (name) => `${name}.parquet`,
    write: (source, query) => writeParquet(source, query.runId),
  },
  tensorboard: {
    title: 'TensorBoard',
    what: 'an event file',
    of: 'run',
    type: 'application/octet-stream',
    // TensorBoard opens only files with this word in their name.
    file: (name, at) => `events.out.tfevents.${Math.floor(at / 1000)}.${name}`,
    write: (source, query) => writeTensorboard(source, query.runId),
  },
  html: {
    title: 'Replay (HTML)',
    what: 'one page that plays the run without a server',
    of: 'replay',
    type: 'text/html; charset=utf-8',
    file: (name) => `${name}.html`,
    write: (source, query, now) => writeReplay(source, query.runId, now, query.snapshots ?? 'all'),
  },
  safetensors: {
    title: 'safetensors',
    what: 'attention and predictions',
    of: 'snapshot',
    type: 'application/octet-stream',
    file: (name) => `${name}.safetensors`,
    write: (source, query) => one(() => snapshotBytes(source, query)),
  },
  npy: {
    title: 'NPY',
    what: 'attention',
    of: 'snapshot',
    type: 'application/octet-stream',
    file: (name) => `${name}.npy`,
    write: (source, query) =>
      one(() => (query.signal === undefined ? tensorNpy(source, query) : signalsNpy(source, query.runId, query.signal))),
  },
} satisfies Record<string, Format>;

type FormatName = keyof typeof formats;

/** For the menus, in their order. */
export const exportFormats: readonly ExportFormat[] = Object.entries(formats).map(([format, { title, what, of }]) => ({
  format,
  title,
  what,
  of,
}));

/** Parameters of GET /api/runs/<id>/export. */
export const exportQuery = parameters
  .extend({
    /**
     * csv, json, parquet hold the step rows; safetensors the snapshot at (or before) `step`; npy `tensor` of that snapshot
     * (`attention`: all layers, if they have one shape; `attention.<l>`: one), or `signal` of all snapshots [n, layers, heads].
     */
    format: z.enum(Object.keys(formats) as FormatName[]),
  })
  .superRefine((query, issues) => {
    if (query.snapshots !== undefined && query.format !== 'html')
      issues.addIssue({
        code: 'custom',
        path: ['snapshots'],
        message: `snapshots: only format html takes it, not ${query.format}`,
      });
    for (const field of ['series', 'from', 'to'] as const)
      if (query[field] !== undefined && query.format !== 'csv')
        issues.addIssue({
          code: 'custom',
          path: [field],
          message: `${field}: only format csv takes it, ${query.format} is of the whole run`,
        });
  });
export type ExportQuery = z.infer<typeof exportQuery>;

export const contentType = ({ format }: ExportQuery): string => formats[format].type;

/** @throws ExportError when the requested content does not exist, or changed while it was read */
export const writeExport = (source: RecordSource, query: ExportQuery, now: number): AsyncGenerator<Uint8Array> =>
  ofOneState(source, query.runId, query.format !== 'headroom', formats[query.format].write(source, query, now));

/** A file name for people, after the run, and the series if it is one. */
const fileName = (query: ExportQuery, runName: string, at: number): string => {
  const range = query.from === undefined && query.to === undefined ? undefined : `steps${query.from ?? 0}-${query.to ?? ''}`;
  const one = query.series?.length === 1 ? query.series[0] : undefined;
  const parts = [
    forFile(runName) || query.runId,
    one ?? query.tensor ?? query.signal,
    query.step === undefined ? undefined : `step${query.step}`,
    range,
  ];
  const name = parts.flatMap((part) => (part === undefined ? [] : forFile(part) || [])).join('-');
  return formats[query.format].file(name, at);
};

/** The header with which a file is sent; programs that read only ASCII in it save it under its run's id. */
export const disposition = (query: ExportQuery, runName: string, at: number): string => {
  const name = fileName(query, runName, at);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: ASCII begins with them
  const plain = /^[\x00-\x7f]*$/.test(name);
  if (plain) return `attachment; filename="${name}"`;
  const { series: _series, tensor: _tensor, signal: _signal, ...rest } = query;
  return `attachment; filename="${fileName(rest, query.runId, at)}"; filename*=UTF-8''${encodeURIComponent(name)}`;
};

async function* one(bytes: () => Promise<Uint8Array>): AsyncGenerator<Uint8Array> {
  yield await bytes();
}

async function snapshotBytes(source: RecordSource, query: Parameters): Promise<Uint8Array> {
  if (query.step === undefined) throw new ExportError(`step: format ${query.format} is of one snapshot; say of which step`);
  const snapshot = await snapshotAt(source, query.runId, query.step);
  const bytes = await source.blobs.get(snapshot.blob.hash);
  if (!bytes) throw new ExportError(`step: the maps of the snapshot at step ${snapshot.step} are no longer kept`);
  const pictures = snapshot.pictures && (await source.blobs.get(snapshot.pictures.hash));
  return plainSnapshot(await unzipped(bytes), pictures ?? null);
}

async function tensorNpy(source: RecordSource, query: Parameters): Promise<Uint8Array> {
  const { tensors } = parseSafetensors(await snapshotBytes(source, query));
  const name = query.tensor ?? 'attention';
  const tensor = tensors.get(name) ?? (name === 'attention' ? allLayers(tensors) : undefined);
  if (!tensor) throw new ExportError(`tensor: the snapshot has no "${name}"; it has ${[...tensors.keys()].join(', ')}`);
  return npy(tensor.data, tensor.shape);
}

/** Maps of all layers as one array [E, L, H, Tq, Tk], if the layers have one shape. */
function allLayers(tensors: ReadonlyMap<string, StoredTensor>): StoredTensor | undefined {
  const layers: StoredTensor[] = [];
  for (let l = 0, t = tensors.get('attention.0'); t; t = tensors.get(`attention.${++l}`)) layers.push(t);
  const [first] = layers;
  if (!first || layers.some((t) => t.shape.join() !== first.shape.join())) return undefined;
  const [examples, ...size] = first.shape as [number, ...number[]];
  const own = first.data.length / examples;
  const data = new Float32Array(layers.length * first.data.length);
  for (let e = 0; e < examples; e++)
    for (const [l, t] of layers.entries())
      data.set((t.data as Float32Array).subarray(e * own, (e + 1) * own), (e * layers.length + l) * own);
  return { dtype: 'F32', shape: [examples, layers.length, ...size], data };
}

async function signalsNpy(source: RecordSource, id: string, name: string): Promise<Uint8Array> {
  const all = await source.signals(id);
  if (name === 'steps') return npy(BigInt64Array.from(all.steps, BigInt), [all.steps.length]);
  const block = signalBlock(all, name);
  if (!block)
    throw new ExportError(
      `signal: run ${id} has no "${name}"; it has ${['steps', ...all.signals.map((s) => s.name)].join(', ')}`,
    );
  return npy(block.data, block.shape);
}
