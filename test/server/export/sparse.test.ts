import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { parquetReadObjects } from 'hyparquet';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { columnName, seriesName } from '~/server/export/columnNames';
import { type ExportQuery, writeExport } from '~/server/export/formats';
import { importFiles } from '~/server/import/importRun';
import type { ImportDeps } from '~/server/import/unfinishedImports';
import type { Store } from '~/server/store';
import { openBlobs } from '~/server/store/blobs';
import { ownFolder } from '~/test/support/folder';
import { openMemoryStore } from '~/test/support/memoryStore';
import { ada, assigned, created, declared, sparse, writer } from '~/test/support/storeEntries';

/** A run of three streams of their own steps, with names that tables use themselves, and what comes of it in every format. */
const folder = ownFolder();
afterAll(folder.remove);
const odd = [
  '=cmd|x',
  '-minus',
  'Loss',
  'timestamp',
  'value',
  'key',
  'run_id',
  'Unnamed: 0',
  'constructor',
  'NA',
  'step',
  'timeMs',
  'Wall Time',
  'series:step',
  'series:"x"',
  '__proto__',
  ' padded ',
  'a,"b"\n',
  '🚀',
  'שלום',
];
const values: Record<string, [number, number[]][]> = {
  train: [
    [-3, [1, Number.NaN]],
    [0, [0.1, 2]],
    [10 ** 12, [Number.POSITIVE_INFINITY, -0]],
  ],
  val: [[0, [7]]],
  odd: [
    [0, odd.map((_, i) => i)],
    [5, odd.map((_, i) => -1 - i)],
  ],
};
const columns: Record<string, string[]> = { train: ['loss', 'lr'], val: ['val/loss'], odd };
const at = (step: number) => 1_700_000_000_000 + step / 1e6;

let store: Store;
let deps: ImportDeps;
beforeAll(async () => {
  store = openMemoryStore();
  deps = { store, blobs: await openBlobs(path.join(folder.path, 'data'), store), now: () => 5000, adopt: async () => {} };
  const run = writer(store, 'sparse01', true);
  await run.append([created, assigned(1, -3)]);
  for (const [stream, rows] of Object.entries(values)) {
    const row = new Map(rows);
    const steps = rows.map(([step]) => step);
    const times = steps.map(at);
    await run.append([
      declared(columns[stream]!, stream),
      sparse(steps, columns[stream]!.length, (s, c) => row.get(s)![c]!, stream, times),
    ]);
  }
});

async function exported(query: Partial<ExportQuery> & Pick<ExportQuery, 'format'>): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  const source = { ...store, blobs: deps.blobs };
  for await (const part of writeExport(source, { runId: 'sparse01', ...query }, 5000)) parts.push(part);
  return Buffer.concat(parts);
}
const names = [...columns.train!, ...columns.val!, ...odd];
/** What each step of the table holds; undefined = nothing. */
const cells = (step: number): (number | undefined)[] =>
  Object.entries(values).flatMap(
    ([stream, rows]) => rows.find(([s]) => s === step)?.[1] ?? columns[stream]!.map(() => undefined),
  );
const steps = [-3, 0, 5, 10 ** 12];

/** All values of a run, by series and step. */
async function valuesOf(runId: string): Promise<Map<string, Map<number, number>>> {
  const { series } = await store.range({ runId, series: null, fromStep: Number.MIN_SAFE_INTEGER, toStep: null, buckets: 1000 });
  return new Map(series.map((s) => [s.name, new Map(Array.from(s.steps, (step, i) => [step, s.last[i]!]))]));
}

async function imported(bytes: Buffer, name: string, asCopy = false): Promise<string> {
  const file = path.join(folder.path, name);
  writeFileSync(file, bytes);
  const spoolFolder = path.join(folder.path, 'spool');
  mkdirSync(spoolFolder, { recursive: true });
  const choices = asCopy ? { runs: [{ key: name, asCopy }] } : {};
  const result = await importFiles(deps, { files: [{ path: file, name }], spoolFolder, actor: ada, choices });
  expect(result.runs.map((r) => r.error)).toEqual([null]);
  return result.runs[0]!.runId!;
}

describe('a run of several streams', () => {
  it('CSV: one line per step, an absent value is an empty cell, NaN is NaN; imported, every series has its own steps again', async () => {
    const text = (await exported({ format: 'csv' })).toString();
    expect(text.slice(0, 58)).toBe('step,timeMs,loss,lr,val/loss,series:=cmd|x,series:-minus,L');
    const lines = text.trimEnd().split('\r\n');
    expect(lines.find((l) => l.startsWith('-3,'))).toBe(`-3,${at(-3)},1,NaN${','.repeat(1 + odd.length)}`);
    expect(lines.at(-1)).toBe(`1000000000000,${at(10 ** 12)},Infinity,-0${','.repeat(1 + odd.length)}`);
    expect(await valuesOf(await imported(Buffer.from(text), 'a.csv'))).toEqual(await valuesOf('sparse01'));
  });

  it('CSV of some series and steps', async () => {
    const part = (await exported({ format: 'csv', series: ['val/loss', 'step'], from: 0, to: 6 })).toString();
    expect(part.split('\r\n')).toEqual([
      'step,timeMs,val/loss,series:step',
      `0,${at(0)},7,${odd.indexOf('step')}`,
      `5,${at(5)},,${-1 - odd.indexOf('step')}`,
      '',
    ]);
    await expect(exported({ format: 'csv', series: ['nosuch'] })).rejects.toThrow('series: run sparse01 has no "nosuch"');
  });

  it('JSON: an absent value is null', async () => {
    const document = JSON.parse((await exported({ format: 'json' })).toString()) as { columns: string[]; rows: unknown[][] };
    expect(document.columns.map(seriesName).slice(2)).toEqual(names);
    const asText = (v: number | undefined) => (v === undefined ? null : Number.isFinite(v) ? v : String(v));
    expect(document.rows).toEqual(steps.map((s) => [s, at(s), ...cells(s).map(asText)]));
  });

  it('Parquet: an absent value is null, NaN is NaN', async () => {
    const bytes = await exported({ format: 'parquet' });
    const file = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length) as ArrayBuffer;
    const read = await parquetReadObjects({ file });
    expect(read.map((r) => Number(r.step))).toEqual(steps);
    const plain = names.filter((n) => n !== '__proto__');
    const index = (n: string) => names.indexOf(n);
    expect(read.map((r) => plain.map((n) => r[columnName(n)] ?? undefined))).toEqual(
      steps.map((s) => plain.map((n) => cells(s)[index(n)])),
    );
  });

  it('TensorBoard: a scalar where there is a value and nowhere else, at negative steps too', async () => {
    const back = await valuesOf(await imported(await exported({ format: 'tensorboard' }), 'events.out.tfevents.1.x'));
    const original = await valuesOf('sparse01');
    for (const [name, byStep] of original)
      expect([name, back.get(name)]).toEqual([name, new Map([...byStep].map(([s, v]) => [s, Math.fround(v)]))]);
    expect(back.size).toBe(original.size);
  });

  it('.headroom: the whole log, entry for entry', async () => {
    const log = await store.entries({ runId: 'sparse01', fromSeq: 1, limit: 100, types: null });
    const runId = await imported(await exported({ format: 'headroom' }), 'copy.headroom', true);
    const copy = await store.entries({ runId, fromSeq: 2, limit: log.length - 1, types: null });
    expect(copy).toEqual(log.slice(1));
  });
});
