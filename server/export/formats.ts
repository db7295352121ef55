import { z } from 'zod';
import { unzipped } from '~/server/base/unzipped';
import { runId } from '~/shared/ids';
import { parseSafetensors, type StoredTensor } from '~/shared/safetensors';
import { signalBlock } from '~/shared/signals';
import { plainSnapshot } from '~/shared/snapshotPlain';
import { writeHeadroomFile } from './headroomFile';
import { npy } from './npy';
import { writeReplay } from './replay';
import { ExportError, type RecordSource, snapshotAt } from './source';
import { writeCsv, writeJson, writeParquet } from './tables';
import { writeTensorboard } from './tensorboard';

/** Parameters of GET /api/runs/<id>/export. */
export const exportQuery = z
  .strictObject({
    runId,
    /**
     * headroom: everything, to be imported elsewhere; csv, json, parquet: step rows; tensorboard: an event file; safetensors: the
     * snapshot at (or before) `step`; npy: `tensor` of that snapshot (`attention`: all layers, if they have one shape;
     * `attention.<l>`: one), or `signal` of all snapshots [n, layers, heads]; html: a page that replays the run without a server.
     */
    format: z.enum(['headroom', 'csv', 'json', 'parquet', 'tensorboard', 'safetensors', 'npy', 'html']),
    step: z.coerce.number().int().optional(),
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
    from: z.coerce.number().int().optional(),
    to: z.coerce.number().int().optional(),
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
type Format = ExportQuery['format'];

const types: Record<Format, { type: string; file: (name: string, at: number) => string }> = {
  headroom: { type: 'application/gzip', file: (name) => `${name}.headroom` },
  csv: { type: 'text/csv; charset=utf-8', file: (name) => `${name}.csv` },
  json: { type: 'application/json', file: (name) => `${name}.json` },
  parquet: { type: 'application/vnd.apache.parquet', file: (name) => `${name}.parquet` },
  // TensorBoard opens only files with this word in their name.
  tensorboard: { type: 'application/octet-stream', file: (name, at) => `events.out.tfevents.${Math.floor(at / 1000)}.${name}` },
  safetensors: { type: 'application/octet-stream', file: (name) => `${name}.safetensors` },
  npy: { type: 'application/octet-stream', file: (name) => `${name}.npy` },
  html: { type: 'text/html; charset=utf-8', file: (name) => `${name}.html` },
};

export const contentType = (format: Format): string => types[format].type;
/** A file name for people: letters, digits, dots and dashes of the run's name. */
export const fileName = (query: ExportQuery, runName: string, at: number): string => {
  const range = query.from === undefined && query.to === undefined ? undefined : `steps${query.from ?? 0}-${query.to ?? ''}`;
  const parts = [runName, query.tensor ?? query.signal, query.step === undefined ? undefined : `step${query.step}`, range];
  const name = parts.filter((p) => p !== undefined).join('-');
  return types[query.format].file(name.replace(/[^A-Za-z0-9._-]+/g, '-').replace(/^[-.]+|-+$/g, '') || query.runId, at);
};

/** @throws ExportError when the requested content does not exist */
export function writeExport(source: RecordSource, query: ExportQuery, now: number): AsyncGenerator<Uint8Array> {
  switch (query.format) {
    case 'headroom':
      return writeHeadroomFile(source, query.runId, now);
    case 'csv':
      return writeCsv(source, query.runId, query);
    case 'json':
      return writeJson(source, query.runId);
    case 'parquet':
      return writeParquet(source, query.runId);
    case 'tensorboard':
      return writeTensorboard(source, query.runId);
    case 'html':
      return writeReplay(source, query.runId, now, query.snapshots ?? 'all');
    case 'safetensors':
      return one(() => snapshotBytes(source, query));
    case 'npy':
      return one(() => (query.signal === undefined ? tensorNpy(source, query) : signalsNpy(source, query.runId, query.signal)));
  }
}

async function* one(bytes: () => Promise<Uint8Array>): AsyncGenerator<Uint8Array> {
  yield await bytes();
}

async function snapshotBytes(source: RecordSource, query: ExportQuery): Promise<Uint8Array> {
  if (query.step === undefined) throw new ExportError(`step: format ${query.format} is of one snapshot; say of which step`);
  const snapshot = await snapshotAt(source, query.runId, query.step);
  const bytes = await source.blobs.get(snapshot.blob.hash);
  if (!bytes) throw new ExportError(`step: the maps of the snapshot at step ${snapshot.step} are no longer kept`);
  const pictures = snapshot.pictures && (await source.blobs.get(snapshot.pictures.hash));
  return plainSnapshot(await unzipped(bytes), pictures ?? null);
}

async function tensorNpy(source: RecordSource, query: ExportQuery): Promise<Uint8Array> {
  const { tensors } = parseSafetensors(await snapshotBytes(source, query));
  const name = query.tensor ?? 'attention';
  const tensor = tensors.get(name) ?? (name === 'attention' ? allLayers(tensors) : undefined);
  if (!tensor) throw new ExportError(`tensor: the snapshot has no "${name}"; it has ${[...tensors.keys()].join(', ')}`);
  return npy(tensor.shape, tensor.data);
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
  if (name === 'steps') return npy([all.steps.length], BigInt64Array.from(all.steps, BigInt));
  const block = signalBlock(all, name);
  if (!block)
    throw new ExportError(
      `signal: run ${id} has no "${name}"; it has ${['steps', ...all.signals.map((s) => s.name)].join(', ')}`,
    );
  return npy(block.shape, block.data);
}
