import { describe, expect, it } from 'vitest';
import { edges } from '~/app/_charts/attention/flow';
import { columns, stepAt, stepAxis, xOf } from '~/app/_charts/attention/stepAxis';
import { wholeRun } from '~/app/_charts/domains';
import { mirror, noise, uniform } from '~/test/support/attentionMaps';
import { seeded } from '~/test/support/seeded';

describe('lines of a map', () => {
  it('per query the smallest set of keys that reaches the share asked for: no smaller set does, largest first', () => {
    for (let seed = 0; seed < 100; seed++) {
      const map = noise(5, 7, seeded(seed));
      for (const mass of [0.3, 0.7, 0.95]) {
        const all = edges(map, { queries: 5, keys: 7 }, mass);
        for (let q = 0; q < 5; q++) {
          const own = all.filter((e) => e.query === q).map((e) => e.weight);
          const largest = [...map.subarray(q * 7, q * 7 + 7)].sort((a, b) => b - a);
          expect(own, `seed ${seed}`).toEqual(largest.slice(0, own.length));
          expect(own.reduce((a, b) => a + b)).toBeGreaterThanOrEqual(mass);
          // The next smaller set is its largest members: it stays below.
          expect(own.slice(0, -1).reduce((a, b) => a + b, 0)).toBeLessThan(mass);
        }
      }
    }
  });

  it('share 0 is the top key alone, ties to the lower; a weight of 0 is no line', () => {
    expect(edges(mirror(4), { queries: 4, keys: 4 }, 0).map((e) => [e.query, e.key])).toEqual([
      [0, 3],
      [1, 2],
      [2, 1],
      [3, 0],
    ]);
    expect(edges(uniform(2, 3), { queries: 2, keys: 3 }, 0).map((e) => e.key)).toEqual([0, 0]);
    expect(edges(mirror(3), { queries: 3, keys: 3 }, 1)).toHaveLength(3);
  });
});

describe('the step axis', () => {
  it('a pixel column shows the snapshot nearest to its step; before the first there is none', () => {
    const axis = stepAxis([0, 100], 101);
    const at = columns([20, 40, 100], axis);
    expect([at[0], at[19], at[20], at[29], at[31], at[69], at[71], at[100]]).toEqual([-1, -1, 0, 0, 1, 1, 2, 2]);
  });

  it('every snapshot has a column of its own while there are as many columns', () => {
    const steps = Array.from({ length: 300 }, (_, i) => i * 20);
    expect(new Set(columns(steps, stepAxis([0, 5980], 300))).size).toBe(300);
  });

  it('the last snapshot covers the steps that the run has: nothing is drawn for those to come', () => {
    const at = columns([0, 50], stepAxis([0, 100], 101, 60));
    expect([at[24], at[26], at[59], at[61], at[100]]).toEqual([0, 1, 1, -1, -1]);
    expect(columns([0, 50], stepAxis([0, 100], 101))[100]).toBe(1);
  });

  it('begins at the first step of the run and grows in jumps until the run is over, as the charts do', () => {
    const imported = 1_000_000;
    expect(wholeRun(imported, imported + 1000, true)).toEqual([imported, imported + 1000]);
    expect([1001, 1020, 1024].map((s) => wholeRun(-5, s - 5, false))).toEqual(Array(3).fill([-5, 1019]));
    expect(wholeRun(0, 0, true)).toEqual([0, 1]);
  });

  it('follows the zoom of the page: what lies outside is not drawn', () => {
    const axis = stepAxis([400, 500], 100);
    expect([xOf(axis, 400), xOf(axis, 500), stepAt(axis, 50), stepAt(axis, -10), stepAt(axis, 1e6)]).toEqual([
      0, 100, 450, 400, 500,
    ]);
    expect(new Set(columns([0, 100, 440, 460, 900], axis))).toEqual(new Set([2, 3]));
  });
});
