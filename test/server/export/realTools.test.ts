/** Exports open in the programs that they are made for with every value equal, and what those programs write is imported so. */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { columnName } from '~/server/export/columnNames';
import { type ExportQuery, writeExport } from '~/server/export/formats';
import type { RecordSource } from '~/server/export/source';
import { openBlobs } from '~/server/store/blobs';
import { openSqliteStore } from '~/server/store/sqlite/open';
import { ownFolder } from '~/test/support/folder';
import { type Files, readFiles } from '~/test/support/importing';
import { openMemoryStore } from '~/test/support/memoryStore';
import { realTools } from '~/test/support/pythonEnvironment';
import { recordRun } from '~/test/support/recordedRun';
import { assigned, created, declared, sparse, writer } from '~/test/support/storeEntries';

const environment = realTools();
const python = typeof environment === 'string' ? null : environment;
if (!python) console.log(`real tools: SKIPPED, there is no Python environment: ${environment}`);
const torch = python?.has('torch') ?? false;
if (python && !torch) console.log('real tools: torch is not to be had here: its tests are SKIPPED');

const folder = ownFolder();
afterAll(folder.remove);
const inside = (name: string) => path.join(folder.path, name);
const odd = ['step', 'timeMs', 'Loss', '__proto__', 'constructor', '=1+1', 'a,"b"\n', '🚀', 'value', 'NA'];
const times = [1_700_000_000_000, 1_700_000_001_500, 1_700_000_003_000];
const steps = [-1, 0, 10 ** 12];
/** By stream: names, and of each row the place of its step and its values. */
const streams: Record<string, { names: string[]; rows: [number, number[]][] }> = {
  train: {
    names: ['loss', 'lr'],
    rows: [
      [0, [0.1, Number.NaN]],
      [1, [1 / 3, -0]],
      [2, [Number.POSITIVE_INFINITY, 5e-324]],
    ],
  },
  val: { names: ['val/loss'], rows: [[1, [2.5]]] },
  odd: { names: odd, rows: [[2, odd.map((_, i) => i + 0.25)]] },
};
const names = Object.values(streams).flatMap((s) => s.names);
/** What each series has at each step. */
const expected = Object.fromEntries(
  Object.values(streams).flatMap(({ names: own, rows }) =>
    own.map((name, c) => [
      columnName(name),
      rows.map(([s, values]) => [String(steps[s]), Object.is(values[c], -0) ? '-0' : String(values[c])]),
    ]),
  ),
);

let source: RecordSource;
beforeAll(async () => {
  if (!python) return;
  const store = openMemoryStore();
  const run = writer(store, 'tools001', true);
  await run.append([created, assigned(1, -1)]);
  for (const [stream, { names: own, rows }] of Object.entries(streams)) {
    const values = new Map(rows.map(([s, v]) => [steps[s]!, v]));
    const at = rows.map(([s]) => times[s]!);
    await run.append([
      declared(own, stream),
      sparse(
        rows.map(([s]) => steps[s]!),
        own.length,
        (step, c) => values.get(step)![c]!,
        stream,
        at,
      ),
    ]);
  }
  source = { ...store, blobs: await openBlobs(inside('data'), store) };
});

async function exported(from: RecordSource, file: string, query: ExportQuery): Promise<string> {
  const parts: Uint8Array[] = [];
  for await (const part of writeExport(from, query, 5000)) parts.push(part);
  writeFileSync(inside(file), Buffer.concat(parts));
  return inside(file);
}

/** Names of columns to lists of [step, value] where there is a value, both as text that Python and JavaScript agree on. */
const table = `
import json, sys, math
def text(v):
    v = float(v)
    if math.isnan(v): return 'NaN'
    if math.isinf(v): return 'Infinity' if v > 0 else '-Infinity'
    return v.hex()
def say(steps, columns): print(json.dumps({name: [[str(int(s)), text(v)] for s, v in zip(steps, values) if v is not None] for name, values in columns.items()}))
`;
/** As float.hex() says it. */
const inHex = (all: typeof expected) =>
  Object.fromEntries(
    Object.entries(all).map(([name, points]) => [
      name,
      (points as string[][]).map(([s, v]) => [
        s,
        python!.run(`${table}\nprint(json.dumps(text(float(sys.argv[1].replace('Infinity', 'inf')))))`, v!),
      ]),
    ]),
  );

describe.skipIf(!python)('every value is equal, and what is absent is absent, in', () => {
  let wanted: Record<string, unknown>;
  beforeAll(() => {
    wanted = inHex(expected);
  });

  it('pandas (CSV)', async () => {
    const file = await exported(source, 'x.csv', { runId: 'tools001', format: 'csv' });
    const text = `${table}
import pandas as pd
# An empty cell is nothing; "NaN" is a number.
df = pd.read_csv(sys.argv[1], float_precision='round_trip', keep_default_na=False, na_values=[''], dtype=str)
say(df['step'], {c: [None if pd.isna(v) else float(v) for v in df[c]] for c in df.columns[2:]})`;
    const forSheets = Object.fromEntries(names.map((n) => [columnName(n, true), wanted[columnName(n)]]));
    expect(python!.run(text, file)).toEqual(forSheets);
  });

  it.each([
    [
      'pyarrow',
      'import pyarrow.parquet as pq\nt = pq.read_table(sys.argv[1])\nsay(t["step"].to_pylist(), {c: t[c].to_pylist() for c in t.column_names[2:]})',
    ],
    [
      'polars',
      'import polars as pl\nt = pl.read_parquet(sys.argv[1])\nsay(t["step"].to_list(), {c: t[c].to_list() for c in t.columns[2:]})',
    ],
    [
      'pandas (Parquet)',
      'import pandas as pd\nt = pd.read_parquet(sys.argv[1], dtype_backend="pyarrow")\nsay(t["step"], {c: [None if v is pd.NA else v for v in t[c]] for c in t.columns[2:]})',
    ],
  ])('%s', async (_, text) => {
    const file = await exported(source, 'x.parquet', { runId: 'tools001', format: 'parquet' });
    expect(python!.run(`${table}\n${text}`, file)).toEqual(wanted);
  });

  it('duckdb, which knows no difference between "Loss" and "loss" and calls the second one otherwise', async () => {
    const file = await exported(source, 'x.parquet', { runId: 'tools001', format: 'parquet' });
    const text = `${table}
import duckdb
r = duckdb.sql(f"select * from read_parquet('{sys.argv[1]}') order by 1")
rows = r.fetchall()
say([row[0] for row in rows], {c: [row[i] for row in rows] for i, c in enumerate(r.columns) if i > 1})`;
    expect(Object.values(python!.run(text, file) as object)).toEqual(names.map((n) => wanted[columnName(n)]));
  });

  it('TensorBoard, as 32 bits', async () => {
    mkdirSync(inside('board'), { recursive: true });
    await exported(source, 'board/events.out.tfevents.1.x', { runId: 'tools001', format: 'tensorboard' });
    const text = `${table}
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
a = EventAccumulator(sys.argv[1], size_guidance={'scalars': 0}); a.Reload()
print(json.dumps({t: [[str(e.step), repr(float(e.value)), e.wall_time * 1000] for e in a.Scalars(t)] for t in a.Tags()['scalars']}))`;
    const read = python!.run(text, inside('board')) as Record<string, [string, string, number][]>;
    const word = (v: string) => (v === 'nan' ? Number.NaN : v === 'inf' ? Number.POSITIVE_INFINITY : Number(v));
    expect(
      Object.fromEntries(Object.entries(read).map(([tag, points]) => [tag, points.map(([s, v, t]) => [s, word(v), t])])),
    ).toEqual(
      Object.fromEntries(
        Object.values(streams).flatMap(({ names: own, rows }) =>
          own.map((name, c) => [name, rows.map(([s, values]) => [String(steps[s]), Math.fround(values[c]!), times[s]])]),
        ),
      ),
    );
  });

  it('numpy and safetensors: the snapshot as it was recorded', async () => {
    await recordRun(inside('recorded'));
    const store = await openSqliteStore(inside('recorded'));
    try {
      const recorded = { ...store, blobs: await openBlobs(inside('recorded'), store) };
      const npy = await exported(recorded, 'x.npy', { runId: 'record1', format: 'npy', step: 2000, tensor: 'attention' });
      const st = await exported(recorded, 'x.safetensors', { runId: 'record1', format: 'safetensors', step: 2000 });
      const text = `${table}
import numpy as np
from safetensors.numpy import load_file
a, b = np.load(sys.argv[1]), load_file(sys.argv[2])
print(json.dumps([list(a.shape) == list(b['attention'].shape), bool((a == b['attention']).all()), a.dtype.name, len(b)]))`;
      expect(python!.run(text, npy, st)).toEqual([true, true, 'float32', 9]);
    } finally {
      await store.close();
    }
  });
});

/** Files that Python wrote into a folder of its own. */
function written(name: string, text: string): Files {
  mkdirSync(inside(name), { recursive: true });
  python!.run(`import sys, json\nfolder = sys.argv[1]\n${text}\nprint('null')`, inside(name));
  const files = readdirSync(inside(name), { recursive: true, withFileTypes: true }).filter((f) => f.isFile());
  return Object.fromEntries(
    files.map((f) => [
      path.join(name, path.relative(inside(name), path.join(f.parentPath, f.name))),
      readFileSync(path.join(f.parentPath, f.name)),
    ]),
  );
}
const valuesOf = (run: { series: Map<string, [number, number | null, number][]> }) =>
  Object.fromEntries([...run.series].map(([name, points]) => [name, points.map(([s, , v]) => [s, v])]));

describe.skipIf(!python)('what they write is read:', () => {
  it('pandas to_csv, with its index and German numbers, and its three kinds of JSON', async () => {
    const files = written(
      'pandas',
      `
import pandas as pd
df = pd.DataFrame({'step': [0, 10], 'loss': [0.1, float('nan')], 'acc': [1024.5, 1e-9]})
df.to_csv(folder + '/a.csv'); df.to_csv(folder + '/b.csv', sep=';', decimal=',', index=False, encoding='utf-16')
df.to_json(folder + '/c.json', orient='records'); df.to_json(folder + '/d.json'); df.to_json(folder + '/e.json', orient='split'); df.to_json(folder + '/f.jsonl', orient='records', lines=True)`,
    );
    const { runs, refused } = await readFiles(folder.path, files);
    expect([refused, runs.length]).toEqual([[], 6]);
    for (const run of runs)
      expect([run.name, valuesOf(run)]).toEqual([
        run.name,
        {
          loss: [[0, 0.1]],
          acc: [
            [0, 1024.5],
            [10, 1e-9],
          ],
        },
      ]);
  });

  it.skipIf(!torch)('torch’s SummaryWriter: a purge in a second file, hparams, text, pictures, histograms', async () => {
    const files = written(
      'torch',
      `
from torch.utils.tensorboard import SummaryWriter
import torch, time
w = SummaryWriter(folder + '/run', filename_suffix='.a')
for s in range(100): w.add_scalar('loss', 1 / (s + 1), s)
w.close(); time.sleep(1.1)
w = SummaryWriter(folder + '/run', purge_step=50, filename_suffix='.b')
for s in range(50, 60): w.add_scalar('loss', s, s)
w.add_text('note', 'hello', 1); w.add_image('picture', torch.zeros(3, 4, 4), 2); w.add_histogram('weights', torch.arange(100.0), 3)
w.add_scalar('new', 0.5, 7, new_style=True); w.add_scalar('double', 0.1, 7, new_style=True, double_precision=True)
w.close()
w = SummaryWriter(folder + '/hp'); w.add_hparams({'lr': 0.5, 'bias': True, 'name': 'x', 'zero': 0.0}, {'metric': 2.5}, run_name='.'); w.close()`,
    );
    const { runs, refused } = await readFiles(folder.path, files);
    expect(refused).toEqual([]);
    const run = runs.find((r) => r.name === 'torch/run')!;
    expect(valuesOf(run)).toEqual({
      loss: [
        ...Array.from({ length: 50 }, (_, s) => [s, Math.fround(1 / (s + 1))]),
        ...Array.from({ length: 10 }, (_, s) => [50 + s, 50 + s]),
      ],
      new: [[7, 0.5]],
      double: [[7, 0.1]],
    });
    expect(run.media.map((m) => [m.kind, m.name, m.step])).toEqual([
      ['text', 'note/text_summary', 1],
      ['image', 'picture', 2],
      ['histogram', 'weights', 3],
    ]);
    const histogram = JSON.parse(run.media[2]!.content as string) as { edges: number[]; counts: number[] };
    expect([histogram.counts.reduce((a, b) => a + b), histogram.edges.length]).toEqual([100, histogram.counts.length + 1]);
    expect(runs.find((r) => r.name === 'torch/hp')!.config).toEqual({ lr: 0.5, bias: 1, name: 'x', zero: 0 });
  });
});
