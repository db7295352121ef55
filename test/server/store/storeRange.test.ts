import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Store } from '~/server/store';
import { atOnce, openReads } from '~/server/store/sqlite/read';
import { openForWriting } from '~/server/store/sqlite/schema';
import { openWrites } from '~/server/store/sqlite/write';
import type { RunEvent } from '~/shared/events';
import { ownFolder } from '~/test/support/folder';
import { openMemoryStore } from '~/test/support/memoryStore';
import { assigned, created, declared, named, rows, snapshot, sparse, writer } from '~/test/support/storeEntries';

/** SQLite's answers against the plain computation of the store in memory, over random logs of several streams with rewinds, gaps, huge and negative steps, NaN and infinities. */

/** The SQLite store on one connection, without its threads. */
function openDirect(): Pick<Store, 'append' | 'range' | 'rows' | 'entries' | 'signals' | 'streams' | 'series'> & {
  close(): void;
} {
  const folder = ownFolder();
  const { db, unlock } = openForWriting(folder.path);
  const writes = openWrites(db);
  const reads = openReads(db);
  return {
    append: async (write) => db.transaction(() => writes.append(write))(),
    range: async (query) => atOnce(db, reads.range(query)),
    rows: async (query) => atOnce(db, reads.rows(query)),
    streams: async (runId) => atOnce(db, reads.streams(runId)),
    series: async (query) => atOnce(db, reads.series(query)),
    entries: async (query) => reads.entries(query),
    signals: async (runId) => atOnce(db, reads.signals(runId)),
    close() {
      db.close();
      unlock();
      folder.remove();
    },
  };
}

/** A value by step and column, without storing it: mostly multiples of 1/1024 (sums are then exact in any order), some not finite. */
function valueAt(seed: number) {
  return (step: number, column: number): number => {
    let h = Math.imul((step % 2 ** 31) + 1, 0x9e3779b1) ^ Math.imul(column + 7, 0x85ebca6b) ^ seed;
    h = Math.imul(h ^ (h >>> 15), 0x2c1b3c6d);
    h ^= h >>> 13;
    const odd = (h >>> 0) % 211;
    if (odd === 0) return Number.NaN;
    if (odd === 1) return Number.POSITIVE_INFINITY;
    if (odd === 2) return Number.NEGATIVE_INFINITY;
    if (odd === 3) return 1e6 + column;
    return column % 3 === 2 ? column + 1 : 1 + ((h >>> 8) % 4096) / 1024;
  };
}

type Act =
  /** `stride` steps from row to row, after `gap` further steps; a time by row or the commit's. */
  | { kind: 'rows'; stream: number; count: number; gap: number; stride: number; timed: boolean }
  | { kind: 'rewind'; back: number; trainer: boolean }
  | { kind: 'snapshot' };

const acts = (largest: number, streams: number) => {
  const stream = fc.integer({ min: 0, max: streams - 1 });
  const rowsOf = (given: { count: fc.Arbitrary<number>; gap: fc.Arbitrary<number>; stride: fc.Arbitrary<number> }) =>
    fc.record({ kind: fc.constant('rows' as const), stream, timed: fc.boolean(), ...given });
  const count = fc.integer({ min: 1, max: largest });
  return fc.array(
    fc.oneof(
      { weight: 6, arbitrary: rowsOf({ count, gap: fc.constant(0), stride: fc.constant(1) }) },
      { weight: 3, arbitrary: rowsOf({ count, gap: fc.constant(0), stride: fc.constantFrom(3, 64, 100, 10_007) }) },
      {
        weight: 1,
        arbitrary: rowsOf({
          count: fc.integer({ min: 1, max: 50 }),
          gap: fc.oneof(fc.integer({ min: 1, max: largest * 3 }), fc.constant(10 ** 11)),
          stride: fc.constantFrom(1, 10 ** 6),
        }),
      },
      {
        weight: 2,
        arbitrary: fc.record({
          kind: fc.constant('rewind' as const),
          back: fc.double({ min: -0.05, max: 1, noNaN: true }),
          trainer: fc.boolean(),
        }),
      },
      { weight: 1, arbitrary: fc.constant({ kind: 'snapshot' as const }) },
    ),
    { minLength: 1, maxLength: 14 },
  ) as fc.Arbitrary<Act[]>;
};

const queries = fc.array(
  fc.record({
    from: fc.double({ min: -0.1, max: 1, noNaN: true }),
    to: fc.option(fc.double({ min: 0, max: 1.1, noNaN: true })),
    buckets: fc.oneof(fc.integer({ min: 1, max: 40 }), fc.constantFrom(500, 4000)),
    every: fc.integer({ min: 1, max: 5 }),
    smoothing: fc.constantFrom(null, 0.5, 0.99),
    around: fc.boolean(),
  }),
  { minLength: 4, maxLength: 8 },
);

async function agree(
  width: number,
  firstStep: number,
  seed: number,
  log: Act[],
  asked: { from: number; to: number | null; buckets: number; every: number; smoothing: number | null; around: boolean }[],
) {
  const memory = openMemoryStore();
  const sqlite = openDirect();
  try {
    const widths = [width, 1, 3];
    const both = {
      append: (w: Parameters<Store['append']>[0]) => Promise.all([memory.append(w), sqlite.append(w)]),
    } as unknown as Store;
    const run = writer(both, 'run001');
    const names = widths.flatMap((n, k) => Array.from({ length: n }, (_, i) => `s${k}/${i}`));
    await run.append([created, assigned(1, 0)]);
    for (const [k, n] of widths.entries())
      await run.append([declared(names.filter((name) => name.startsWith(`s${k}/`)).slice(0, n), `s${k}`)]);
    const heads = widths.map(() => firstStep);
    for (const act of log) {
      const value = valueAt(seed + run.attempt);
      const head = Math.max(...heads);
      if (act.kind === 'rewind') {
        const step = firstStep + Math.floor((head - firstStep) * act.back);
        if (act.trainer) await run.append([{ type: 'rewind', step }]);
        else await run.append([assigned(run.attempt + 1, step, Math.max(0, Math.floor(run.head * act.back)))]);
        for (const [k, h] of heads.entries()) heads[k] = Math.min(h, Math.max(step, firstStep));
      } else if (act.kind === 'snapshot') await run.append([snapshot(head, { entropy: [head, Number.NaN] })]);
      else {
        const { stream: k, count, gap, stride, timed } = act;
        const first = heads[k]! + gap;
        const steps = Array.from({ length: count }, (_, i) => first + i * stride);
        if (steps.at(-1)! > Number.MAX_SAFE_INTEGER) continue;
        heads[k] = steps.at(-1)! + 1;
        const times = timed ? steps.map((_, i) => run.at * 1000 + (i % 7) * 0.5 + i) : undefined;
        const events: RunEvent[] =
          stride === 1 && !timed
            ? [rows(first, count, widths[k]!, value, `s${k}`)]
            : [sparse(steps, widths[k]!, value, `s${k}`, times)];
        await run.append(events);
      }
    }
    const head = Math.max(...heads);
    for (const { from, to, buckets, every, smoothing, around } of asked) {
      const fromStep = firstStep + Math.floor(from * (head - firstStep));
      const toStep = to === null ? null : fromStep + Math.floor(to * Math.max(0, head - fromStep)) + 1;
      const query = {
        runId: 'run001',
        series: every === 1 ? null : names.filter((_, i) => i % every === 0).reverse(),
        fromStep,
        toStep,
        buckets,
        smoothing,
        around,
      };
      expect(await sqlite.range(query)).toEqual(await memory.range(query));
      const some = { runId: 'run001', stream: `s${every % 3}`, fromStep, toStep, limit: buckets };
      expect(await sqlite.rows(some)).toEqual(await memory.rows(some));
    }
    const everything = { runId: 'run001', fromSeq: 1, limit: 1000, types: null };
    expect(await sqlite.entries(everything)).toEqual(await memory.entries(everything));
    expect(await sqlite.signals('run001')).toEqual(await memory.signals('run001'));
    expect(await sqlite.streams('run001')).toEqual(await memory.streams('run001'));
    const page = { runId: 'run001', search: '/1', skip: 1, limit: 3 };
    expect(await sqlite.series(page)).toEqual(await memory.series(page));
  } finally {
    sqlite.close();
  }
}

/** fast-check's report names seed and path of what failed. */
describe('range over random logs', () => {
  const firstSteps = fc.constantFrom(0, 1, -5_000, 3_003, 10 ** 12 + 17);
  it('small logs, one to two stripes of series: equal to the plain reduction', { timeout: 240_000 }, () =>
    fc.assert(fc.asyncProperty(fc.integer({ min: 1, max: 19 }), firstSteps, fc.integer(), acts(2_500, 3), queries, agree), {
      numRuns: 15,
      seed: 20_261_124,
      endOnFailure: true,
    }),
  );

  it('more stripes of series than are gone through at once: equal to the plain reduction', { timeout: 240_000 }, () =>
    fc.assert(fc.asyncProperty(fc.constant(150), firstSteps, fc.integer(), acts(1_500, 3), queries, agree), {
      numRuns: 2,
      seed: 7,
      endOnFailure: true,
    }),
  );

  it('logs that reach the second and third level of the pyramid: equal to the plain reduction', { timeout: 240_000 }, () =>
    fc.assert(fc.asyncProperty(fc.constant(2), firstSteps, fc.integer(), acts(60_000, 2), queries, agree), {
      numRuns: 3,
      seed: 42,
      endOnFailure: true,
    }),
  );
});

describe('spikes', () => {
  it('200 single-step spikes in 200,000 steps are all visible fully zoomed out, and exact zoomed in', async () => {
    const sqlite = openDirect();
    try {
      const run = writer(sqlite as unknown as Store, 'run001');
      await run.append([created, assigned(1, 0), declared(['loss'])]);
      const spikes = new Map(Array.from({ length: 200 }, (_, i) => [i * 997 + 13, 1000 + i]));
      for (let step = 0; step < 200_000; step += 5000)
        await run.append([rows(step, 5000, 1, (s) => spikes.get(s) ?? Math.sin(s / 1000))]);
      const out = named(await sqlite.range({ runId: 'run001', series: null, fromStep: 0, toStep: null, buckets: 1200 }), 'loss');
      expect(out.steps.length).toBeLessThanOrEqual(1200);
      const seen = [...spikes].filter(([step, value]) => out.max[Math.floor(step / out.bucketSteps)] === value);
      expect(seen.length).toBe(200);
      for (const [step, value] of spikes) {
        const near = await sqlite.range({ runId: 'run001', series: null, fromStep: step - 1, toStep: step + 2, buckets: 1200 });
        expect([...named(near, 'loss').last]).toEqual([Math.sin((step - 1) / 1000), value, Math.sin((step + 1) / 1000)]);
      }
    } finally {
      sqlite.close();
    }
  });
});
