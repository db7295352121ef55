import { expect, it } from 'vitest';
import { type MergedRow, mergedRows, type Part } from '~/server/export/mergedRows';
import type { RecordSource } from '~/server/export/source';
import type { StoredStream } from '~/server/store';

/** A row: step, time, and a value per column. */
type Row = [step: number, time: number, ...values: number[]];

/** A store with these streams; `asked` are the queries of rows. */
function storeOf(streams: Record<string, { columns: string[]; rows: Row[]; lastStep?: number | null }>) {
  const asked: Parameters<RecordSource['rows']>[0][] = [];
  const progress: number[] = [];
  const source = {
    async rows(query: Parameters<RecordSource['rows']>[0]) {
      asked.push(query);
      const { rows } = streams[query.stream]!;
      const all = rows.filter(([step]) => step >= query.fromStep && (query.toStep === null || step < query.toStep));
      const page = all.slice(0, query.limit);
      return {
        steps: Float64Array.from(page, ([step]) => step),
        times: Float64Array.from(page, ([, time]) => time),
        values: Float64Array.from(page.flatMap(([, , ...values]) => values)),
        more: page.length < all.length,
      };
    },
    progress: ({ done }: { done: number }) => void progress.push(done),
  } as unknown as RecordSource;
  let cell = 0;
  const parts = Object.entries(streams).map(([name, { columns, rows, lastStep }]): Part => {
    const stream = { name, columns, rows: rows.length, lastStep: lastStep === undefined ? (rows.at(-1)?.[0] ?? null) : lastStep };
    return { stream: stream as unknown as StoredStream, columns: columns.map((_, from) => ({ from, to: cell++ })) };
  });
  return { source, parts, asked, progress };
}
async function read(rows: AsyncGenerator<MergedRow>): Promise<[number, number, (number | undefined)[]][]> {
  const all: [number, number, (number | undefined)[]][] = [];
  for await (const { step, time, cells } of rows) all.push([step, time, [...cells]]);
  return all;
}

it('each step once, with the values of every stream that has it, the latest time, and nothing where a stream has none', async () => {
  const { source, parts } = storeOf({
    train: {
      columns: ['loss', 'lr'],
      rows: [
        [-1, 10, 1, 2],
        [0, 20, 3, 4],
        [2, 40, 5, 6],
      ],
    },
    val: {
      columns: ['acc'],
      rows: [
        [-3, 5, 0.25],
        [0, 25, 0.5],
        [1, 30, Number.NaN],
      ],
    },
    none: { columns: ['x'], rows: [] },
  });
  expect(await read(mergedRows(source, 'run001', parts))).toEqual([
    [-3, 5, [undefined, undefined, 0.25, undefined]],
    [-1, 10, [1, 2, undefined, undefined]],
    [0, 25, [3, 4, 0.5, undefined]],
    [1, 30, [undefined, undefined, Number.NaN, undefined]],
    [2, 40, [5, 6, undefined, undefined]],
  ]);
});

it('only the columns that are asked for, in the cells that are asked for; a stream without any is not read', async () => {
  const { source, parts, asked } = storeOf({
    train: { columns: ['loss', 'lr', 'norm'], rows: [[0, 1, 7, 8, 9]] },
    val: { columns: ['acc'], rows: [[0, 1, 0.5]] },
  });
  const some: Part[] = [
    {
      ...parts[0]!,
      columns: [
        { from: 2, to: 0 },
        { from: 0, to: 1 },
      ],
    },
    { ...parts[1]!, columns: [] },
  ];
  expect(await read(mergedRows(source, 'run001', some))).toEqual([[0, 1, [9, 7]]]);
  expect(asked.map(({ stream }) => stream)).toEqual(['train']);
});

it('the steps of a range, from its first to the one before its end; of a range beyond the rows none, without reading', async () => {
  const rows = Array.from({ length: 10 }, (_, step): Row => [step, step, step]);
  const { source, parts, asked } = storeOf({ train: { columns: ['loss'], rows } });
  const steps = async (range: { from?: number; to?: number }) =>
    (await read(mergedRows(source, 'run001', parts, range))).map(([step]) => step);
  expect(await steps({ from: 3, to: 5 })).toEqual([3, 4]);
  expect(await steps({ to: 2 })).toEqual([0, 1]);
  expect(await steps({ from: 8 })).toEqual([8, 9]);
  expect(await steps({ from: 4, to: 5 })).toEqual([4]);
  asked.length = 0;
  expect([await steps({ from: 10 }), await steps({ from: 5, to: 5 })]).toEqual([[], []]);
  expect(asked).toEqual([]);
});

it('rows that arrive meanwhile are left out', async () => {
  const { source, parts } = storeOf({
    train: {
      columns: ['loss'],
      rows: [
        [0, 0, 1],
        [1, 1, 2],
        [2, 2, 3],
      ],
      lastStep: 1,
    },
  });
  expect((await read(mergedRows(source, 'run001', parts))).map(([step]) => step)).toEqual([0, 1]);
  expect((await read(mergedRows(source, 'run001', parts, { to: 100 }))).map(([step]) => step)).toEqual([0, 1]);
});

it('a long stream is read in pages of at most 4,096 rows, fewer where a row is wide, and says how far it is', async () => {
  const rows = Array.from({ length: 10_000 }, (_, step): Row => [step, step, step]);
  const { source, parts, asked, progress } = storeOf({ train: { columns: ['loss'], rows } });
  const all = await read(mergedRows(source, 'run001', parts));
  expect([all.length, all.at(-1)]).toEqual([10_000, [9999, 9999, [9999]]]);
  expect(asked.map(({ runId, fromStep, toStep, limit }) => [runId, fromStep, toStep, limit])).toEqual([
    ['run001', Number.MIN_SAFE_INTEGER, 10_000, 4096],
    ['run001', 4096, 10_000, 4096],
    ['run001', 8192, 10_000, 4096],
  ]);
  expect(progress).toEqual([4096, 8192]);

  const columns = Array.from({ length: 1000 }, (_, i) => `c${i}`);
  const wide = storeOf({ train: { columns, rows: [[0, 0, ...columns.map(() => 1)]] } });
  await read(mergedRows(wide.source, 'run001', wide.parts));
  // 2^20 numbers in one batch.
  expect(wide.asked.map(({ limit }) => limit)).toEqual([Math.floor(2 ** 20 / 1000)]);
});

it('a stream whose rows were taken back meanwhile ends', async () => {
  const { source, parts } = storeOf({ train: { columns: ['loss'], rows: [], lastStep: 7 } });
  expect(await read(mergedRows(source, 'run001', parts))).toEqual([]);
});
