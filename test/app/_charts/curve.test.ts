import { describe, expect, it } from 'vitest';
import { Curve } from '~/app/_charts/curve';

import { expectSame, type Row } from '~/test/support/history';
import { seeded } from '~/test/support/seeded';

describe('Curve', () => {
  it('rows appended one by one, through several doublings, equal one range query of the same rows', () => {
    const rng = seeded(7);
    const rows = Array.from(
      { length: 5000 },
      (_, s): Row => [s, rng() < 0.01 ? Number.NaN : rng() < 0.01 ? Number.POSITIVE_INFINITY : rng()],
    );
    const curve = new Curve('loss', 64, null);
    for (let s = 0; s < rows.length; s++) {
      curve.append(...(rows[s] as [number, number]));
      if (s % 617 === 0) expectSame(curve, rows.slice(0, s + 1), 0);
    }
    expectSame(curve, rows, 0);
    expect(curve.bucketSteps).toBe(128); // 64 buckets hold 5000 rows at 2^7
    expect(curve.nonFiniteCount()).toBe(rows.filter((r) => !Number.isFinite(r[1]!)).length);
  });

  it('costs by its rows: steps below 0, far apart, in clumps, up to 2^53 - 1 stand in as many buckets as a query gives', () => {
    const rng = seeded(31);
    const steps = [-5_000_000, -7, 0, 1e12, Number.MAX_SAFE_INTEGER];
    for (let i = 0; i < 400; i++) steps.push(Math.floor(rng() * 2 ** Math.floor(rng() * 53)));
    const rows = [...new Set(steps)].sort((a, b) => a - b).map((step): Row => [step, rng()]);
    for (const capacity of [2, 16, 4000]) {
      const curve = new Curve('loss', capacity, null);
      for (const row of rows) curve.append(...(row as [number, number]));
      expect(curve.count).toBeLessThanOrEqual(capacity);
      expectSame(curve, rows, 0);
    }
    const all = new Curve('loss', 4000, null);
    for (const row of rows) all.append(...(row as [number, number]));
    expect([all.bucketSteps, all.count, all.dense]).toEqual([1, rows.length, false]);
  });

  it('finds the bucket in force at a step: the last one that begins at or before it', () => {
    const curve = new Curve('loss', 16, null);
    for (const step of [-10, 0, 50, 1e12]) curve.append(step, step);
    expect([-11, -10, -1, 0, 49, 50, 1e12, 2e12].map((step) => curve.at(step))).toEqual([-1, 0, 0, 1, 1, 2, 3, 3]);
  });

  it('the time of a bucket is that of its last row', () => {
    const curve = new Curve('loss', 2, null);
    for (let s = 0; s < 4; s++) curve.append(s, s, 1000 + s);
    expect([...curve.times.subarray(0, curve.count)]).toEqual([1001, 1003]);
  });

  it('200 single-step spikes in 1,000,000 rows all stand in the bucket of their step', () => {
    const spikes = new Map<number, number>();
    const rng = seeded(11);
    while (spikes.size < 200) spikes.set(Math.floor(rng() * 1e6), 10 + spikes.size);
    const curve = new Curve('loss', 1200, null);
    for (let s = 0; s < 1e6; s++) curve.append(s, spikes.get(s) ?? Math.sin(s / 1000));
    expect(curve.count).toBeLessThanOrEqual(1200);
    const lost = [...spikes].filter(([s, v]) => {
      const highest = Math.max(...[...spikes].filter(([o]) => curve.at(o) === curve.at(s)).map(([, w]) => w));
      return curve.values.max[curve.at(s)] !== highest || highest < v;
    });
    expect(lost).toEqual([]);
  });

  it('on append no drawn extreme vanishes or leaves its pixel column by more than one, whatever doubles underneath', () => {
    const rng = seeded(3);
    const width = 600; // 1200 buckets at most, 600 at least: one pixel column or less each
    const curve = new Curve('loss', 1200, null);
    const values: number[] = [];
    for (let s = 0; s < 40_000; s++) {
      values.push(rng() < 0.001 ? 5 + rng() : rng());
      curve.append(s, values[s]!);
      if (s % 1999 !== 0 || s < 1200) continue;
      const pixel = (step: number) => ((step + 0.5) / (s + 1)) * width;
      for (let e = 0; e <= s; e++) {
        if (values[e]! < 5) continue;
        const i = curve.at(e);
        expect(curve.values.max[i]!, `seed 3, step ${e} of ${s}`).toBeGreaterThanOrEqual(values[e]!);
        const middle = (curve.steps[i]! + curve.lastSteps[i]!) / 2;
        expect(Math.abs(pixel(middle) - pixel(e)), `seed 3, step ${e} of ${s}`).toBeLessThanOrEqual(1);
      }
    }
  });

  it('a cut takes out later steps and says when a bucket has lost rows that only a new read gives back', () => {
    const curve = new Curve('loss', 4, null);
    for (let s = 0; s < 8; s++) curve.append(s, s); // buckets of 2
    curve.cut(6);
    expect([curve.count, curve.lastStep, curve.total, curve.holes]).toEqual([3, 5, 6, false]);
    curve.cut(3);
    expect([curve.count, curve.lastStep, curve.total, curve.holes]).toEqual([1, 1, 2, true]);
  });

  it('a range takes the one row beyond its end, for its line to run out, and no more', () => {
    const curve = new Curve('loss', 4, 3);
    for (let s = 1; s < 9; s++) curve.append(s, s);
    expect([...curve.values.last.subarray(0, curve.count)]).toEqual([1, 2, 3]);
  });
});
