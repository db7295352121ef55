import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { commonSignals, headSignals, meanOverExamples } from '~/trainer/nn/probes';
import { oddMass } from '~/trainer/recipes/anomaly';
import { antiDiagonal } from '~/trainer/recipes/reverse';

/** A second implementation, by the definitions and one map at a time, in the plainest way. */
const plain = {
  entropy: (rows: number[][]) => {
    const T = rows.length;
    return mean(rows.map((row) => row.map((a) => (a > 0 ? -a * Math.log(a) : 0)).reduce(add, 0))) / Math.log(T);
  },
  confidence: (rows: number[][]) => mean(rows.map((row) => Math.max(...row))),
  drift: (rows: number[][], before: number[][]) =>
    0.5 * mean(rows.map((row, i) => row.map((a, j) => Math.abs(a - before[i]![j]!)).reduce(add, 0))),
  antiDiagonal: (rows: number[][]) => {
    const mask = rows.map((row, i) => row.map((_, j) => (i + j === rows.length - 1 ? 1 : 0)));
    const masked = rows.flatMap((row, i) => row.map((a, j) => a * mask[i]![j]!));
    return masked.reduce(add, 0) / rows.flat().reduce(add, 0);
  },
  oddMass: (rows: number[][], odd: number) => mean(rows.filter((_, i) => i !== odd).map((row) => row[odd]!)),
};
const add = (a: number, b: number) => a + b;
const mean = (x: number[]) => x.reduce(add, 0) / x.length;

/** Rows of one map that sum to 1, some entries exactly 0. */
const map = (T: number) =>
  fc
    .array(fc.array(fc.oneof(fc.constant(0), fc.double({ min: 0.001, max: 1, noNaN: true })), { minLength: T, maxLength: T }), {
      minLength: T,
      maxLength: T,
    })
    .map((rows) =>
      rows.map((row) => {
        const sum = row.reduce(add, 0);
        return row.map((a) => (sum === 0 ? 1 / T : a / sum));
      }),
    );

const cases = fc
  .record({ T: fc.integer({ min: 2, max: 9 }), E: fc.integer({ min: 1, max: 3 }), LH: fc.integer({ min: 1, max: 4 }) })
  .chain(({ T, E, LH }) =>
    fc.record({
      T: fc.constant(T),
      LH: fc.constant(LH),
      maps: fc.array(map(T), { minLength: E * LH, maxLength: E * LH }),
      before: fc.array(map(T), { minLength: E * LH, maxLength: E * LH }),
      odd: fc.array(fc.integer({ min: 0, max: T - 1 }), { minLength: E, maxLength: E }),
    }),
  );

const f32 = (maps: number[][][]) => Float32Array.from(maps.flat(2));
/** The maps as they are in f32, so that both see the same numbers. */
const rounded = (maps: number[][][]) => maps.map((rows) => rows.map((row) => row.map(Math.fround)));

/** Of a task that reverses. */
const of = (T: number, headsPerExample: number) => ({
  headsPerExample,
  own: [antiDiagonal(T)],
  examples: [{ inputs: new Int32Array(T), labels: new Int32Array(T) }],
});

describe('signals', () => {
  it('agree with a plain second implementation on any maps', () => {
    fc.assert(
      fc.property(cases, ({ T, LH, maps, before, odd }) => {
        const examples = odd.map((place) => ({ inputs: new Int32Array(T), labels: Int32Array.of(place) }));
        const input = { maps: f32(maps), positions: T, previous: f32(before), headsPerExample: LH, examples };
        const reverse = headSignals({ ...input, own: [antiDiagonal(T)] });
        const sets = headSignals({ ...input, own: [oddMass(T)] });
        expect(Object.keys(reverse)).toEqual(['entropy', 'confidence', 'drift', 'antiDiagonal']);
        expect(Object.keys(sets)).toEqual(['entropy', 'confidence', 'drift', 'oddMass']);
        const was = rounded(before);
        rounded(maps).forEach((rows, h) => {
          expect(reverse.entropy![h]).toBeCloseTo(plain.entropy(rows), 5);
          expect(reverse.confidence![h]).toBeCloseTo(plain.confidence(rows), 5);
          expect(reverse.drift![h]).toBeCloseTo(plain.drift(rows, was[h]!), 5);
          expect(reverse.antiDiagonal![h]).toBeCloseTo(plain.antiDiagonal(rows), 5);
          expect(sets.oddMass![h]).toBeCloseTo(plain.oddMass(rows, odd[Math.floor(h / LH)]!), 5);
        });
      }),
      { seed: 20_240_501, numRuns: 200 },
    );
  });

  it('have the known values of a uniform and of a perfectly reversing head', () => {
    const T = 4;
    const uniform = new Float32Array(16).fill(1 / 4);
    const reversing = Float32Array.from({ length: 16 }, (_, c) => (Math.floor(c / T) + (c % T) === T - 1 ? 1 : 0));
    const maps = Float32Array.from([...uniform, ...reversing]);
    const signals = headSignals({ maps, positions: T, previous: maps.slice().reverse(), ...of(T, 2) });
    expect(signals).toEqual({
      entropy: Float32Array.of(1, 0),
      confidence: Float32Array.of(0.25, 1),
      // The reversed list puts the other head in each place: 1/2 * (3/4 + 3 * 1/4) = 3/4.
      drift: Float32Array.of(0.75, 0.75),
      antiDiagonal: Float32Array.of(0.25, 1),
    });
  });

  it('say nothing of drift without a snapshot before, and NaN where a map is none', () => {
    const maps = Float32Array.of(0.5, 0.5, Number.NaN, 0.5);
    const signals = headSignals({ maps, positions: 2, previous: null, ...of(2, 1) });
    expect(Object.keys(signals)).toEqual(['entropy', 'confidence', 'antiDiagonal']);
    for (const values of Object.values(signals)) expect(values![0]).toBeNaN();
  });

  it('are averaged over the examples per head', () => {
    // [E = 2, L x H = 3]
    expect(meanOverExamples(Float32Array.of(1, 2, 3, 5, 6, 7), 3)).toEqual([3, 4, 5]);
  });

  it('of causal maps are measured by what each query can see', () => {
    const T = 4;
    // Evenly over what is visible: rows of 1, 1/2, 1/3, 1/4.
    const even = Float32Array.from({ length: T * T }, (_, c) => (c % T <= Math.floor(c / T) ? 1 / (1 + Math.floor(c / T)) : 0));
    const first = Float32Array.from({ length: T * T }, (_, c) => (c % T === 0 ? 1 : 0));
    const maps = Float32Array.from([...even, ...first]);
    const signals = headSignals({
      maps,
      positions: T,
      causal: true,
      previous: Float32Array.from([...first, ...first]),
      ...of(T, 2),
      own: [],
    });
    expect([...signals.entropy!].map((v) => Number(v.toFixed(6)))).toEqual([1, 0]);
    // (1 + 1/2 + 1/3 + 1/4) / 4, which is what the declaration gives as the level of an even head.
    expect(signals.confidence![0]).toBeCloseTo(25 / 48, 6);
    expect(commonSignals(T, true).find((s) => s.name === 'confidence')!.baseline).toBeCloseTo(25 / 48, 12);
    // Row i moved 1 - 1/(i+1) of its weight; the first row, which sees one key, does not count: (1/2 + 2/3 + 3/4) / 3.
    expect(signals.drift![0]).toBeCloseTo(23 / 36, 6);
    expect(signals.drift![1]).toBe(0);
  });
});
