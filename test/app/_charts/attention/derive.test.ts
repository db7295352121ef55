import { expect, it } from 'vitest';
import { aggregate, deriveMaps, headMap } from '~/app/_charts/attention/derive';
import { tokensOf } from '~/app/_charts/attention/tokens';
import { parseAttentionSnapshot } from '~/shared/attentionSnapshot';
import { identity, joined, mirror, noise, snapshotBytes } from '~/test/support/attentionMaps';
import { seeded } from '~/test/support/seeded';

const T = 6;
const example = { kind: 'example', example: 0 } as const;
const random = seeded(2);
const at = (step: number, extra = {}) =>
  parseAttentionSnapshot(
    snapshotBytes({ step, layers: 1, heads: 2, keys: T, examples: [joined(noise(T, T, random), noise(T, T, random))], ...extra }),
  );

it('a difference to itself is nothing; rows of any difference sum to 0; the sign says which is larger', () => {
  const [a, b] = [at(20), at(0)];
  expect(new Set(deriveMaps(a, example, { kind: 'snapshot', snapshot: a }).values[0])).toEqual(new Set([0]));
  const d = deriveMaps(a, example, { kind: 'snapshot', snapshot: b });
  expect(d.quantity).toBe('difference');
  for (let row = 0; row < 2 * T; row++) {
    const sum = d.values[0]!.slice(row * T, row * T + T).reduce((x, y) => x + y, 0);
    expect(Math.abs(sum)).toBeLessThanOrEqual(1e-6);
  }
  const signs = deriveMaps(at(1, { examples: [joined(identity(T), mirror(T))] }), example, { kind: 'head', layer: 0, head: 1 });
  expect(headMap(signs, 0, 0)[0]).toBe(1);
  expect(headMap(signs, 0, 0)[T - 1]).toBe(-1);
  expect(new Set(headMap(signs, 0, 1))).toEqual(new Set([0]));
});

it('an example is shown as a view of the exact numbers, not a copy', () => {
  const s = at(3);
  expect(deriveMaps(s, example, null).values[0]).toBe(s.maps[0]!.layers[0]);
});

it('other heads or other examples cannot be subtracted, and the message says what differs', () => {
  const other = parseAttentionSnapshot(snapshotBytes({ step: 9, layers: 1, heads: 1, keys: T, examples: [identity(T)] }));
  expect(() => deriveMaps(at(3), example, { kind: 'snapshot', snapshot: other })).toThrow(
    'step 3 has 1 layers of 2 heads of 6 × 6, step 9 has 1 layers of 1 heads of 6 × 6',
  );
  const digits = at(5, { inputs: [[9, 9, 9, 9, 9, 9]] });
  expect(() => deriveMaps(at(3), example, { kind: 'snapshot', snapshot: digits })).toThrow(
    'probe example 1 is not the same at steps 3 and 5',
  );
});

it('heads aggregate to mean, maximum or spread', () => {
  const maps = deriveMaps(at(1, { examples: [joined(identity(T), mirror(T))] }), example, null);
  const both = [
    [0, 0],
    [0, 1],
  ] as const;
  expect(aggregate(maps, both, 'mean').values[0]).toBe(0.5);
  expect(aggregate(maps, both, 'max').values[0]).toBe(1);
  expect(aggregate(maps, both, 'std')).toMatchObject({ quantity: 'spread' });
  expect(aggregate(maps, both, 'std').values[0]).toBe(0.5);
});

it.each([
  [3, 5],
  [5, 3],
])('maps need not be square: %i queries x %i keys are read, aggregated, averaged and named', (queries, keys) => {
  const maps = [
    joined(noise(queries, keys, random), noise(queries, keys, random)),
    joined(noise(queries, keys, random), noise(queries, keys, random)),
  ];
  const s = parseAttentionSnapshot(snapshotBytes({ layers: 2, heads: 1, keys, queries, examples: maps }));
  expect([s.layers[1]!.queries, s.layers[1]!.keys, s.answers]).toEqual([queries, keys, queries]);
  const shown = deriveMaps(s, { kind: 'example', example: 1 }, null);
  expect(headMap(shown, 1, 0)).toEqual(maps[1]!.subarray(queries * keys));
  const both = aggregate(
    shown,
    [
      [0, 0],
      [1, 0],
    ],
    'mean',
  ).values;
  for (let q = 0; q < queries; q++) expect(both.subarray(q * keys, (q + 1) * keys).reduce((a, b) => a + b)).toBeCloseTo(1, 5);
  expect(deriveMaps(s, { kind: 'mean', byTarget: false }, null).values[0]![0]).toBeCloseTo((maps[0]![0]! + maps[1]![0]!) / 2, 6);
  const { queries: answered, keys: read } = tokensOf(s, { kind: 'example', example: 0 }, 0, null);
  // An answer stands at its query; the keys are other places.
  expect(answered.map((t) => t.right)).toEqual(Array.from({ length: queries }, () => true));
  expect(read.map((t) => t.right)).toEqual(Array.from({ length: keys }, () => null));
});
