import { describe, expect, it } from 'vitest';
import * as attention from '~/shared/attention';
import { identity, mirror, noise, shifted, uniform } from '~/test/support/attentionMaps';
import { seeded } from '~/test/support/seeded';

const T = 8;
const size = { queries: T, keys: T };

describe('what a map says in numbers', () => {
  it('is by hand arithmetic right on a map with two unequal rows', () => {
    // rows (.5 .5) and (1 0): H = ln 2 and 0 -> 0.5 normalized; row maxima .5 and 1; column 0 gets .75
    const map = Float32Array.of(0.5, 0.5, 1, 0);
    const two = { queries: 2, keys: 2 };
    expect(attention.entropy(map, two)).toBeCloseTo(0.5, 12);
    expect(attention.confidence(map, two)).toBe(0.75);
    expect(attention.patternScore(map, two, attention.patterns.antiDiagonal)).toBe(0.75);
    expect(attention.oddMass(map, two, 0)).toBe(1);
    // sum A|i-j|: row 0 .5, row 1 1
    expect(attention.distance(map, two)).toBe(0.75);
    // row 0: |.5-0| + |.5-1| = 1; row 1: 0 + 0 -> (1/2)(1+0)/2
    expect(attention.drift(map, Float32Array.of(0, 1, 1, 0), two)).toBe(0.25);
  });

  it('takes uniform as entropy 1, distance (T^2-1)/3T and pattern 1/T, one-hot as entropy 0', () => {
    for (const n of [2, 10, 16, 128]) {
      const s = { queries: n, keys: n };
      expect(attention.entropy(uniform(n), s)).toBeCloseTo(1, 6);
      expect(attention.distance(uniform(n), s)).toBeCloseTo((n * n - 1) / (3 * n), 4);
      expect(attention.patternScore(uniform(n), s, attention.patterns.antiDiagonal)).toBeCloseTo(1 / n, 6);
      expect(attention.entropy(mirror(n), s)).toBe(0);
    }
    expect(attention.distance(mirror(16), { queries: 16, keys: 16 })).toBe(8);
    expect(attention.entropy(Float32Array.of(1, 1), { queries: 2, keys: 1 })).toBe(1);
  });

  it('keeps NaN visible instead of skipping it', () => {
    const map = identity(T);
    map[3] = Number.NaN;
    expect(attention.entropy(map, size)).toBeNaN();
    expect(attention.confidence(map, size)).toBeNaN();
  });

  it('gives Jensen-Shannon distance 0 for equal and 1 for disjoint maps, symmetric in between', () => {
    const random = seeded(7);
    const [a, b] = [noise(T, T, random), noise(T, T, random)];
    expect(attention.jsDistance(a, a, size)).toBe(0);
    expect(attention.jsDistance(identity(T), shifted(T), size)).toBeCloseTo(7 / 8, 12);
    expect(attention.jsDistance(identity(T), mirror(T), size)).toBe(1);
    expect(attention.jsDistance(a, b, size)).toBeCloseTo(attention.jsDistance(b, a, size), 12);
  });

  it('combines heads cell by cell; mean rows of weights sum to 1', () => {
    const random = seeded(3);
    const maps = [noise(4, 6, random), noise(4, 6, random), noise(4, 6, random)];
    const mean = attention.combine(maps, 'mean');
    for (let i = 0; i < 4; i++) expect(mean.slice(i * 6, i * 6 + 6).reduce((a, b) => a + b)).toBeCloseTo(1, 5);
    const cell = maps.map((m) => m[5]!);
    const average = cell.reduce((a, b) => a + b) / 3;
    expect(attention.combine(maps, 'max')[5]).toBe(Math.max(...cell));
    expect(attention.combine(maps, 'std')[5]).toBeCloseTo(Math.sqrt(cell.reduce((s, v) => s + (v - average) ** 2, 0) / 3), 6);
    expect(() => attention.combine([], 'mean')).toThrow('at least one map');
  });
});
