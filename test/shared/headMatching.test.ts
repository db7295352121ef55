import { describe, expect, it } from 'vitest';
import { jsDistance, rolloutFrom } from '~/shared/attention';
import { cheapestPairs, headDistances, likeTogether } from '~/shared/headMatching';
import { column, identity, mirror, noise, shifted, uniform } from '~/test/support/attentionMaps';
import { seeded } from '~/test/support/seeded';

/** Runs a generator to its end. */
function finish<T>(work: Generator<unknown, T>): T {
  for (;;) {
    const next = work.next();
    if (next.done) return next.value;
  }
}

const T = 8;
const size = { queries: T, keys: T };

/** A permutation of n by a seed. */
function shuffled(n: number, random: () => number): number[] {
  const order = Array.from({ length: n }, (_, i) => i);
  for (let i = n - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [order[i], order[j]] = [order[j]!, order[i]!];
  }
  return order;
}

function* permutations(n: number): Generator<number[]> {
  if (n === 0) yield [];
  else for (const rest of permutations(n - 1)) for (let at = 0; at < n; at++) yield rest.toSpliced(at, 0, n - 1);
}

describe('matching heads', () => {
  it('permuting the heads and matching gives the permutation back, also when every map has moved a little', () => {
    for (let seed = 0; seed < 30; seed++) {
      const random = seeded(seed);
      const heads = Array.from({ length: 8 }, () => ({ size, maps: [noise(T, T, random, 2), noise(T, T, random, 2)] }));
      const order = shuffled(8, random);
      for (const noisy of [0, 0.2]) {
        const others = order.map((h) => ({
          size,
          maps: heads[h]!.maps.map((map) => map.map((v) => (1 - noisy) * v + noisy / T)),
        }));
        const pairs = cheapestPairs(finish(headDistances(heads, others)), 8, 8);
        // Head h of the one stands at the place where `order` holds h.
        expect([...pairs], `seed ${seed}, noise ${noisy}`).toEqual(heads.map((_, h) => order.indexOf(h)));
      }
    }
  });

  it('no other pairing is cheaper: all of them tried, square and not', () => {
    for (let seed = 0; seed < 60; seed++) {
      const random = seeded(1000 + seed);
      const [rows, columns] = [1 + Math.floor(random() * 5), 1 + Math.floor(random() * 5)];
      const costs = Float64Array.from({ length: rows * columns }, () => Math.round(random() * 20) / 10);
      const pairs = cheapestPairs(costs, rows, columns);
      const total = (chosen: ArrayLike<number>) =>
        Array.from(chosen).reduce((sum, c, r) => sum + (c >= 0 && c < columns ? costs[r * columns + c]! : 0), 0);
      const taken = [...pairs].filter((c) => c >= 0);
      expect([taken.length, new Set(taken).size], `seed ${seed}`).toEqual([Math.min(rows, columns), Math.min(rows, columns)]);
      let best = Number.POSITIVE_INFINITY;
      for (const p of permutations(Math.max(rows, columns))) best = Math.min(best, total(p.slice(0, rows)));
      expect(total(pairs), `seed ${seed}: ${rows} x ${columns}`).toBeCloseTo(best, 9);
    }
  });

  it('a cost that is not a number is refused, not paired', () => {
    expect(() => cheapestPairs([Number.NaN], 1, 1)).toThrow('cheapestPairs: row 0 has no finite cost');
  });
});

describe('distances between heads', () => {
  it('are the mean over the examples, 0 to itself, the same both ways', () => {
    const heads = [
      { size, maps: [identity(T), mirror(T)] },
      { size, maps: [shifted(T), mirror(T)] },
      { size, maps: [uniform(T), column(T, 2)] },
    ];
    const d = finish(headDistances(heads, heads));
    expect([d[0], d[4], d[8]]).toEqual([0, 0, 0]);
    expect(d[1]).toBeCloseTo(7 / 16, 12);
    expect(d[2]).toBeCloseTo((jsDistance(identity(T), uniform(T), size) + jsDistance(mirror(T), column(T, 2), size)) / 2, 12);
    expect([d[3], d[6], d[7]]).toEqual([d[1], d[2], d[5]]);
    const copy = heads.map((h) => ({ ...h }));
    expect(finish(headDistances(heads, copy))).toEqual(d);
  });

  it('heads with maps of different sizes have nothing in common: they are 1 apart', () => {
    const small = { size: { queries: 3, keys: 5 }, maps: [uniform(3, 5)] };
    const heads = [{ size, maps: [identity(T)] }, small, { size: { queries: 3, keys: 5 }, maps: [uniform(3, 5)] }];
    expect([...finish(headDistances(heads, heads))]).toEqual([0, 1, 1, 1, 0, 0, 1, 0, 0]);
  });

  it('an order that puts like together keeps each family in one piece', () => {
    for (let seed = 0; seed < 20; seed++) {
      const random = seeded(seed);
      const families = [identity(T), mirror(T), column(T, 3)];
      const family = shuffled(12, random).map((n) => n % 3);
      const heads = family.map((f) => {
        const other = noise(T, T, random);
        return { size, maps: [families[f]!.map((v, n) => 0.8 * v + 0.2 * other[n]!)] };
      });
      const order = likeTogether(finish(headDistances(heads, heads)), 12);
      expect(order.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 12 }, (_, i) => i));
      const changes = order.slice(1).filter((h, n) => family[h] !== family[order[n]!]).length;
      expect(changes, `seed ${seed}`).toBe(2);
    }
  });
});

/** The definition that `rolloutFrom` is compared with: entry l is how much layer l's outputs depend on the model's inputs, [T, T]. */
function rollout(layers: readonly Float32Array[], size: number): Float64Array[] {
  const out: Float64Array[] = [];
  for (const map of layers) {
    const below = out.at(-1);
    const product = new Float64Array(size * size);
    for (let i = 0; i < size; i++)
      for (let j = 0; j < size; j++) {
        const weight = (map[i * size + j]! + (i === j ? 1 : 0)) / 2;
        if (!below) product[i * size + j] = weight;
        else for (let k = 0; k < size; k++) product[i * size + k]! += weight * below[j * size + k]!;
      }
    out.push(product);
  }
  return out;
}

describe('rollout', () => {
  it('rows sum to 1 in every layer', () => {
    const random = seeded(5);
    const layers = Array.from({ length: 4 }, () => noise(T, T, random, 2));
    for (const product of rollout(layers, T))
      for (let i = 0; i < T; i++) expect(product.subarray(i * T, (i + 1) * T).reduce((a, b) => a + b)).toBeCloseTo(1, 6);
  });

  it('by hand: identity stays, one layer caps what leaves the token at a half, two mirrors lead back', () => {
    expect(rollout([identity(2), identity(2)], 2)[1]).toEqual(Float64Array.of(1, 0, 0, 1));
    // (M + I) / 2 with M the mirror; its square is (2 I + 2 M) / 4.
    expect(rollout([mirror(2)], 2)[0]).toEqual(Float64Array.of(0.5, 0.5, 0.5, 0.5));
    expect(rollout([shifted(3), shifted(3)], 3)[1]!.subarray(6)).toEqual(Float64Array.of(0.25, 0.5, 0.25));
    expect(() => rolloutFrom([uniform(2, 3)], 2, 0)).toThrow('rolloutFrom: a map has 6 cells, 2 x 2 are needed');
  });

  it('of one output: what it draws on at each level sums to 1, and at the inputs is its row of the whole product', () => {
    for (let seed = 0; seed < 20; seed++) {
      const random = seeded(seed);
      const layers = Array.from({ length: 3 }, () => noise(T, T, random, 2));
      const product = rollout(layers, T)[2]!;
      for (const query of [0, 3, 7]) {
        const levels = rolloutFrom(layers, T, query);
        expect(levels).toHaveLength(4);
        for (const level of levels)
          expect(
            level.reduce((a, b) => a + b),
            `seed ${seed}`,
          ).toBeCloseTo(1, 6);
        for (const [t, v] of levels[0]!.entries()) expect(v, `seed ${seed}`).toBeCloseTo(product[query * T + t]!, 12);
      }
      const mean = Array.from({ length: T }, (_, t) =>
        Array.from({ length: T }, (_, q) => product[q * T + t]! / T).reduce((a, b) => a + b),
      );
      for (const [t, v] of rolloutFrom(layers, T, null)[0]!.entries()) expect(v).toBeCloseTo(mean[t]!, 12);
    }
  });
});
