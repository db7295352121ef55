import { describe, expect, it } from 'vitest';
import { History } from '~/app/_live/history';

import { averages, bench, type Row, reduced } from '~/test/support/history';
import { seeded } from '~/test/support/seeded';

describe('single rows', () => {
  it('exact values are read once per neighbourhood and follow the live rows', async () => {
    const b = bench();
    for (let s = 0; s < 1000; s++) b.add([s, s * 2]);
    b.history.reset(b.view());
    b.history.want(['loss', 'gradNorm']);
    await b.settle();
    const before = b.questions.length;
    expect(b.history.exact('loss', 900)).toBeUndefined();
    await b.settle();
    expect([b.history.exact('loss', 900), b.history.exact('gradNorm', 901)]).toEqual([
      { step: 900, value: 900 },
      { step: 901, value: 1802 },
    ]);
    b.history.entries([b.add([-5, -6])], []);
    expect(b.history.exact('loss', 1000)).toEqual({ step: 1000, value: -5 });
    // Beyond the newest row that one holds.
    expect(b.history.exact('loss', 5000)).toEqual({ step: 1000, value: -5 });
    expect(b.questions.length - before).toBe(1);
  });

  it('the row in force is found in rows that lie far apart and in clumps', async () => {
    const b = bench({ s: ['x'] });
    const rng = seeded(41);
    const steps = new Set<number>();
    for (let clump = 0; clump < 5; clump++) for (let i = 0; i < 3000; i++) steps.add(Math.floor(clump * 1e12 + rng() * 40_000));
    b.log(
      's',
      [...steps].sort((a, c) => a - c).map((step): Row => [step, step]),
    );
    b.history.reset(b.view());
    b.history.want(['x']);
    await b.settle();
    const rows = b.rows().map(([step]) => step);
    for (const step of [-1, 0, 17_000, 39_999, 5e11, 1e12 + 3, 2e12 + 20_001, 3e12 - 1, 4e12 + 39_000, 9e12]) {
      const want = rows.findLast((s) => s <= step);
      for (let asks = 0; b.history.exact('x', step) === undefined; asks++) {
        expect(asks, `step ${step}`).toBeLessThan(6);
        await b.settle();
      }
      expect(b.history.exact('x', step), `step ${step}`).toEqual(want === undefined ? null : { step: want, value: want });
    }
  });

  it('of a recording that keeps buckets only, single rows inside of one are not known, and nothing is asked for ever', async () => {
    const rows = Array.from({ length: 1000 }, (_, i): Row => [i, i]);
    let asked = 0;
    const history = new History({
      read: async (q) => {
        asked++;
        return { headStep: 1000, series: [{ name: 'x', stream: 's', ...reduced(rows, 0, q, 64) }] };
      },
      later: () => () => {},
    });
    history.want(['x']);
    for (let i = 0; i < 20; i++) await Promise.resolve();
    for (let look = 0; look < 5; look++) {
      expect(history.exact('x', 500)).toBeUndefined();
      for (let i = 0; i < 20; i++) await Promise.resolve();
    }
    expect(history.exact('x', 511)).toEqual({ step: 511, value: 511 }); // the last of its bucket
    expect(asked).toBeLessThanOrEqual(3);
  });

  it('the average at a single step is exact too, and goes on with the live rows', async () => {
    const b = bench();
    const rng = seeded(23);
    for (let s = 0; s < 1000; s++) b.add([rng(), rng()]);
    b.history.smooth(0.98);
    b.history.reset(b.view());
    b.history.want(['loss'], true);
    await b.settle();
    expect(b.history.average('loss', 500)).toBeUndefined();
    b.history.average('loss', 990);
    await b.settle();
    for (let s = 0; s < 40; s++) b.history.entries([b.add([s % 9 === 0 ? Number.NaN : rng(), rng()])], []);
    const all = averages(
      b.rows().map((r) => r[1]!),
      0.98,
    );
    for (const step of [500, 511, 990, 1000, 1001, 1009, 1023])
      expect(b.history.average('loss', step), `step ${step}`).toBe(all[step]);
  });

  it('before its first row a series has no value, and NaN is one: a branch begins at its fork', async () => {
    const b = bench();
    b.log(
      'steps',
      Array.from({ length: 300 }, (_, i): Row => [300 + i, i === 20 ? Number.NaN : 300 + i, 0]),
    );
    b.history.reset(b.view());
    b.history.want(['loss']);
    b.history.show([400, 500]);
    await b.settle();
    expect([290, 310, 320].map((step) => b.history.exact('loss', step))).toEqual([
      null,
      { step: 310, value: 310 },
      { step: 320, value: Number.NaN },
    ]);
  });

  it('where the axis begins, how far rows lie apart, and when steps were reached are told by the rows', async () => {
    const b = bench({ s: ['x'] });
    b.history.want(['x']);
    await b.settle();
    expect([b.history.startStep(), b.history.stride(), b.history.times()]).toEqual([0, 1, []]);
    b.history.reset(b.view());
    b.history.entries(
      [
        {
          seq: 1,
          attempt: 1,
          at: 0,
          event: {
            type: 'rows',
            stream: 's',
            steps: Float64Array.of(1_000_000, 1_000_050, 1_000_100),
            times: Float64Array.of(1000, 2000, 5000),
            values: Float64Array.of(1, 2, 3),
          },
        },
      ],
      [],
    );
    await b.settle();
    expect([b.history.startStep(), b.history.stride()]).toEqual([1_000_000, 50]);
    expect(b.history.times()).toEqual([
      { step: 1_000_000, at: 1000 },
      { step: 1_000_050, at: 2000 },
      { step: 1_000_100, at: 5000 },
    ]);
    expect(b.history.valuesOf('x').map((a) => a.at)).toEqual([1, 2, 3]);
  });
});
