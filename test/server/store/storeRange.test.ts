import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Store } from '~/server/store';
import { openMemoryStore } from '~/server/store/memory';
import { openReads } from '~/server/store/sqlite/read';
import { openForWriting } from '~/server/store/sqlite/schema';
import { openWrites } from '~/server/store/sqlite/write';
import type { RunEvent } from '~/shared/events';
import { ownFolder } from '~/test/support/folder';
import { assigned, created, rows, snapshot, writer } from '~/test/support/storeContract';

/** SQLite's answers against the plain computation of the store in memory, over random logs with rewinds, gaps, NaN and infinities. */

/** The SQLite store on one connection, without its threads. */
function openDirect(): Pick<Store, 'append' | 'range' | 'entries' | 'signals'> & { close(): void } {
  const folder = ownFolder();
  const { db, unlock } = openForWriting(folder.path);
  const writes = openWrites(db);
  const reads = openReads(db);
  return {
    append: async (write) => db.transaction(() => writes.append(write))(),
    range: async (query) => reads.range(query),
    entries: async (query) => reads.entries(query),
    signals: async (runId) => reads.signals(runId),
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
    let h = Math.imul(step + 1, 0x9e3779b1) ^ Math.imul(column + 7, 0x85ebca6b) ^ seed;
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

type Act = { kind: 'steps'; count: number; gap: number } | { kind: 'rewind'; back: number } | { kind: 'snapshot' };
const acts = (largest: number) =>
  fc.array(
    fc.oneof(
      {
        weight: 6,
        arbitrary: fc.record({
          kind: fc.constant('steps' as const),
          count: fc.integer({ min: 1, max: largest }),
          gap: fc.constant(0),
        }),
      },
      {
        weight: 1,
        arbitrary: fc.record({
          kind: fc.constant('steps' as const),
          count: fc.integer({ min: 1, max: 50 }),
          gap: fc.integer({ min: 1, max: largest * 3 }),
        }),
      },
      {
        weight: 2,
        arbitrary: fc.record({ kind: fc.constant('rewind' as const), back: fc.double({ min: 0, max: 1, noNaN: true }) }),
      },
      { weight: 1, arbitrary: fc.constant({ kind: 'snapshot' as const }) },
    ),
    { minLength: 1, maxLength: 14 },
  ) as fc.Arbitrary<Act[]>;

const queries = fc.array(
  fc.record({
    from: fc.double({ min: 0, max: 1, noNaN: true }),
    to: fc.option(fc.double({ min: 0, max: 1.1, noNaN: true })),
    buckets: fc.oneof(fc.integer({ min: 1, max: 40 }), fc.constantFrom(500, 4000)),
    every: fc.integer({ min: 1, max: 5 }),
    smoothing: fc.constantFrom(null, 0.5, 0.99),
  }),
  { minLength: 4, maxLength: 8 },
);

async function agree(
  width: number,
  seed: number,
  log: Act[],
  asked: { from: number; to: number | null; buckets: number; every: number; smoothing: number | null }[],
) {
  const memory = openMemoryStore();
  const sqlite = openDirect();
  try {
    const names = Array.from({ length: width }, (_, i) => `s${i}`);
    const both = {
      append: (w: Parameters<Store['append']>[0]) => Promise.all([memory.append(w), sqlite.append(w)]),
    } as unknown as Store;
    const run = writer(both, 'run001', names);
    await run.append([created, assigned(1, 0)]);
    let head = 0;
    for (const act of log) {
      const value = valueAt(seed + run.attempt);
      if (act.kind === 'rewind') {
        head = Math.floor(head * act.back);
        await run.append([assigned(run.attempt + 1, head)], { fromStep: head, keepSeq: Math.floor(run.head * act.back) });
      } else if (act.kind === 'snapshot') await run.append([snapshot(head, { entropy: [head, Number.NaN] })]);
      else {
        const events: RunEvent[] = [rows(head + act.gap, act.count, width, value)];
        head += act.gap + act.count;
        await run.append(events);
      }
    }
    for (const { from, to, buckets, every, smoothing } of asked) {
      const fromStep = Math.floor(from * head);
      const query = {
        runId: 'run001',
        series: every === 1 ? null : names.filter((_, i) => i % every === 0),
        fromStep,
        toStep: to === null ? null : fromStep + Math.floor(to * (head - fromStep)) + 1,
        buckets,
        smoothing,
      };
      expect(await sqlite.range(query)).toEqual(await memory.range(query));
    }
    const everything = { runId: 'run001', fromSeq: 1, limit: 1000, types: null };
    expect(await sqlite.entries(everything)).toEqual(await memory.entries(everything));
    expect(await sqlite.signals('run001')).toEqual(await memory.signals('run001'));
  } finally {
    sqlite.close();
  }
}

describe('range over random logs', () => {
  it('small logs, one to two stripes of series: equal to the plain reduction', { timeout: 120_000 }, () =>
    fc.assert(fc.asyncProperty(fc.integer({ min: 1, max: 19 }), fc.integer(), acts(2_500), queries, agree), {
      numRuns: 15,
      seed: 20_261_124,
      endOnFailure: true,
    }),
  );

  it('logs that reach the second and third level of the pyramid: equal to the plain reduction', { timeout: 120_000 }, () =>
    fc.assert(fc.asyncProperty(fc.constant(2), fc.integer(), acts(60_000), queries, agree), {
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
      const run = writer(sqlite as unknown as Store, 'run001', ['loss']);
      await run.append([created, assigned(1, 0)]);
      const spikes = new Map(Array.from({ length: 200 }, (_, i) => [i * 997 + 13, 1000 + i]));
      for (let step = 0; step < 200_000; step += 5000)
        await run.append([rows(step, 5000, 1, (s) => spikes.get(s) ?? Math.sin(s / 1000))]);
      const out = await sqlite.range({ runId: 'run001', series: null, fromStep: 0, toStep: null, buckets: 1200 });
      expect(out.count).toBeLessThanOrEqual(1200);
      const seen = [...spikes].filter(([step, value]) => out.series.loss!.max[Math.floor(step / out.bucketSteps)] === value);
      expect(seen.length).toBe(200);
      for (const [step, value] of spikes) {
        const near = await sqlite.range({ runId: 'run001', series: null, fromStep: step - 1, toStep: step + 2, buckets: 1200 });
        expect([...near.series.loss!.last]).toEqual([Math.sin((step - 1) / 1000), value, Math.sin((step + 1) / 1000)]);
      }
    } finally {
      sqlite.close();
    }
  });
});
