import { existsSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { Jobs } from '~/server/base/jobs';
import { crc32c, maskedCrc32c } from '~/server/export/crc32c';
import { exportRoutes } from '~/server/export/routes';
import { readCsv } from '~/server/import/csv';
import { forgetCutImports, importRun } from '~/server/import/importRun';
import { readTensorboard } from '~/server/import/tensorboard';
import type { Store } from '~/server/store';
import { openBlobs } from '~/server/store/blobs';
import { openMemoryStore } from '~/server/store/memory';
import type { Actor } from '~/shared/ids';
import { ownFolder } from '~/test/support/folder';
import { serveRoutes } from '~/test/support/routeServer';
import { ada, created, writer } from '~/test/support/storeContract';

const folder = ownFolder();
afterAll(folder.remove);
let files = 0;
const fileOf = (bytes: string | Uint8Array): string => {
  const file = path.join(folder.path, `file${files++}`);
  writeFileSync(file, bytes);
  return file;
};

const deps = async (store: Store) => ({
  store,
  blobs: await openBlobs(path.join(folder.path, `data${files++}`), store),
  now: () => 5000,
  adopt: async () => {},
});

describe('CSV', () => {
  it('quotes, a byte order mark, either line end, NaN, infinities, empty cells and TensorBoard’s own columns are read', async () => {
    const text = '\uFEFF"Wall time",Step,"a ""quoted"", name"\r\n1.5,0,1e-3\r\n2,3,\n2.5,4,-inf\n3,10,NaN';
    expect(await readCsv(fileOf(text))).toEqual({
      streams: [
        {
          steps: Float64Array.of(0, 4, 10),
          timesMs: Float64Array.of(1500, 2500, 3000),
          series: [{ name: 'a "quoted", name', values: Float64Array.of(0.001, Number.NEGATIVE_INFINITY, Number.NaN) }],
        },
      ],
      leftOut: null,
    });
  });

  it('semicolons with decimal commas, and tabs, are read where the first line has no comma', async () => {
    const read = (name: string) => ({
      streams: [{ steps: Float64Array.of(0, 1), timesMs: null, series: [{ name, values }] }],
      leftOut: null,
    });
    const values = Float64Array.of(0.5, -1250);
    expect(await readCsv(fileOf('step;loss\r\n0;0,5\r\n1;-1,25e3\r\n'))).toEqual(read('loss'));
    expect(await readCsv(fileOf('step\tloss\n0\t0.5\n1\t-1250\n'))).toEqual(read('loss'));
    expect(await readCsv(fileOf('step;"a, b"\n0;0.5\n1;-1250'))).toEqual(read('a, b'));
  });

  it.each([
    ['loss\n1\n', 'line 1: one of the columns must be "step"; they are loss'],
    ['step\n1\n', 'line 1: besides "step" at least one column of numbers is needed'],
    ['step,loss\n', 'there is no line after the first, so no step to import'],
    ['step,loss,loss\n0,1,2\n', 'line 1: two columns are named "loss"'],
    ['step,\n0,1\n', 'line 1: column 2 needs a name of 1 to 512 letters'],
    [
      'step,loss\n0,1\n1,two\n',
      'line 3, column "loss": "two" is not a number; give a number, NaN, Infinity, -Infinity or nothing',
    ],
    ['step,loss\n0.5,1\n', 'line 2, column "step": "0.5" is not a step; give a whole number'],
    ['step,loss\n4,1\n4,1\n', 'line 3: step 4 does not come after step 4; sort the lines by step, one line each'],
    ['step,loss\n0,1,2\n', 'line 2: 3 cells, the first line has 2'],
    ['step,timeMs,loss\n0,NaN,2\n', 'line 2, column "timeMs": "NaN" is not a time'],
    ['step,loss\n0,"1\n', 'line 2: a quote is not closed'],
    ['step,loss\n0,\0\n', 'this is not a CSV: it holds zero bytes'],
    ['step,loss\n0,0,5\n', 'line 2: 3 cells, the first line has 2'],
    [`step${',a'.repeat(21_000)}\n`, 'line 1: more than the 20000 columns that are taken'],
    [`step,loss\n0,${'9'.repeat(5000)}\n`, 'line 2: a cell is longer than 4096 letters'],
  ])('%j is refused: %s', async (text, message) => {
    await expect(readCsv(fileOf(text))).rejects.toThrow(message);
  });
});

describe('TensorBoard event files', () => {
  const framed = (data: Uint8Array) => {
    const out = Buffer.alloc(16 + data.length);
    out.writeBigUInt64LE(BigInt(data.length));
    out.writeUInt32LE(maskedCrc32c(out.subarray(0, 8)), 8);
    out.set(data, 12);
    out.writeUInt32LE(maskedCrc32c(data), 12 + data.length);
    return out;
  };
  const message = (number: number, bytes: Uint8Array) => Buffer.concat([Uint8Array.of((number << 3) | 2, bytes.length), bytes]);
  const double = (value: number) => Buffer.from(new Float64Array([value]).buffer);
  const single = (value: number) => Buffer.from(new Float32Array([value]).buffer);
  const event = (time: number, step: number, value: Uint8Array) =>
    framed(Buffer.concat([Uint8Array.of(9), double(time), Uint8Array.of(16, step), message(5, message(1, value))]));
  const simple = (tag: string, value: number) => Buffer.concat([message(1, Buffer.from(tag)), Uint8Array.of(21), single(value)]);
  const tensor = (tag: string, dtype: number, bytes: Uint8Array, field = 4) =>
    Buffer.concat([
      message(1, Buffer.from(tag)),
      message(8, Buffer.concat([Uint8Array.of(8, dtype), message(2, new Uint8Array(0)), message(field, bytes)])),
    ]);
  const text = (tag: string) =>
    Buffer.concat([
      message(1, Buffer.from(tag)),
      message(8, Buffer.concat([Uint8Array.of(8, 7), message(8, Buffer.from('hello'))])),
    ]);

  it('crc32c of "123456789" is e3069283', () => {
    // the check value of CRC-32C in RFC 3720 and the catalogue of parametrised CRC algorithms
    expect(crc32c(Buffer.from('123456789')).toString(16)).toBe('e3069283');
  });

  it('scalars as simple values and as tensors of one number are read, by step, the last one counting; others are passed over', async () => {
    const file = fileOf(
      Buffer.concat([
        event(2, 5, simple('loss', 0.5)),
        event(1, 3, tensor('loss', 1, single(0.25))),
        event(3, 5, simple('loss', Number.NaN)),
        event(3, 5, tensor('accuracy', 2, double(0.1), 6)),
        event(4, 6, text('notes')),
      ]),
    );
    expect(await readTensorboard(file)).toEqual({
      streams: [
        {
          steps: Float64Array.of(3, 5),
          timesMs: Float64Array.of(1000, 3000),
          series: [{ name: 'loss', values: Float64Array.of(0.25, Number.NaN) }],
        },
        {
          steps: Float64Array.of(5),
          timesMs: Float64Array.of(3000),
          series: [{ name: 'accuracy', values: Float64Array.of(0.1) }],
        },
      ],
      leftOut: null,
    });
  });

  const good = event(1, 1, simple('loss', 1));
  it('a last record that is not whole, as in a file that is still written, is left out, and the run says so', async () => {
    for (const bytes of [1, 11, 12, 30, good.length - 1]) {
      const live = fileOf(Buffer.concat([good, event(2, 2, simple('loss', 2)), good.subarray(0, bytes)]));
      const leftOut = `the file ends inside record 3 at byte ${2 * good.length}, which is left out`;
      expect(await readTensorboard(live)).toEqual({
        streams: [
          {
            steps: Float64Array.of(1, 2),
            timesMs: Float64Array.of(1000, 2000),
            series: [{ name: 'loss', values: Float64Array.of(1, 2) }],
          },
        ],
        leftOut,
      });
      const store = openMemoryStore();
      const imported = await importRun(await deps(store), { file: live, name: 'live', actor: ada });
      expect(imported.leftOut).toBe(leftOut);
      expect((await store.view(imported.runId))!.statusMessage).toMatch(new RegExp(`; ${leftOut}$`));
    }
  });

  const flipped = (at: number) => Buffer.concat([good, good]).map((byte, i) => (i === good.length + at ? byte ^ 1 : byte));
  it.each([
    ['text', Buffer.from('this is no event file'), 'this is not a TensorBoard event file'],
    [
      'a wrong length',
      flipped(0),
      `record 2 at byte ${good.length}: the checksum of its length is wrong; the file is damaged: copy it again`,
    ],
    ['a wrong byte', flipped(20), `record 2 at byte ${good.length}: its checksum is wrong; the file is damaged: copy it again`],
    ['a first record cut short', good.subarray(0, 30), 'this is not a TensorBoard event file, or its first record is not whole'],
    ['no scalars', event(1, 1, text('notes')), 'the event file holds no scalars'],
    ['a malformed message', framed(Uint8Array.of(9, 1, 2)), 'record 1 at byte 0: its message is malformed'],
  ])('%s is refused', async (_, bytes, expected) => {
    await expect(readTensorboard(fileOf(bytes))).rejects.toThrow(expected);
  });
});

describe('importing', () => {
  it('steps with gaps stay where they are', async () => {
    const store = openMemoryStore();
    const { runId } = await importRun(await deps(store), {
      file: fileOf('step,loss\n10,1\n11,2\n20,3\n'),
      name: 'x.csv',
      actor: ada,
    });
    const range = await store.range({ runId, series: null, fromStep: 0, toStep: null, buckets: 100 });
    expect([range.headStep, [...range.series[0]!.steps]]).toEqual([21, [10, 11, 20]]);
    expect(
      (await store.entries({ runId, fromSeq: 1, limit: 9, types: null })).map((e) => [e.seq, e.attempt, e.event.type]),
    ).toEqual([
      [1, 0, 'run.created'],
      [2, 1, 'run.assigned'],
      [3, 1, 'started'],
      [4, 1, 'series'],
      [5, 1, 'rows'],
      [8, 1, 'status'],
    ]);
  });

  it('a write that fails in the middle leaves nothing', async () => {
    const store = openMemoryStore();
    let appends = 0;
    const failing: Store = {
      ...store,
      append: (write) => (++appends === 2 ? Promise.reject(new Error('database or disk is full')) : store.append(write)),
    };
    const rows = Array.from({ length: 10_000 }, (_, i) => `${i},1`).join('\n');
    const importing = importRun(await deps(failing), { file: fileOf(`step,loss\n${rows}\n`), name: 'x.csv', actor: ada });
    await expect(importing).rejects.toThrow('database or disk is full');
    expect([await store.runs(), await store.setting('imports.pending')]).toEqual([[], '[]']);
  });

  it('what a crash left of an import is gone after the next start; other runs stay', async () => {
    const store = openMemoryStore();
    await writer(store, 'cutoff1').append([created]);
    await writer(store, 'other01').append([created]);
    await store.setSetting('imports.pending', '["cutoff1"]');
    await forgetCutImports(store);
    expect([(await store.runs()).map((r) => r.runId), await store.setting('imports.pending')]).toEqual([['other01'], '[]']);
  });

  it('a viewer may take runs away but not bring any in', async () => {
    const store = openMemoryStore();
    const dataFolder = path.join(folder.path, 'viewer');
    const records = {
      ...(await deps(store)),
      dataFolder,
      threaded: false,
      view: () => store.view('none'),
      jobs: new Jobs(),
      imported: async () => {},
    };
    const viewer: Actor = { id: 'v', name: 'Vera', role: 'viewer' };
    const server = await serveRoutes(exportRoutes(records), viewer);
    const { url } = server;
    const answer = await fetch(`${url}/api/import?name=x.csv`, { method: 'POST', body: 'step,loss\n0,1\n' });
    expect([answer.status, await answer.json()]).toEqual([403, { error: 'Vera (viewer) may not start runs' }]);
    expect((await fetch(`${url}/api/runs/nosuch1/export?format=csv`)).status).toBe(404);
    expect(existsSync(path.join(dataFolder, 'imports'))).toBe(false);
    await server.close();
  });
});
