import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { headSignals, meanOverExamples } from '~/trainer/nn/probes';
import { commonSignals, confidenceSignal, driftSignal, entropySignal, itemSignal, patternSignal } from '~/trainer/nn/signals';

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

const two = { layers: 1, heads: 2, causal: false, signals: [...commonSignals, patternSignal('antiDiagonal')] };

describe('signals', () => {
  it('agree with a plain second implementation on any maps', () => {
    fc.assert(
      fc.property(cases, ({ T, LH, maps, before, odd }) => {
        const odds = itemSignal({ name: 'oddMass', title: 'odd one', meaning: '' }, (e) => odd[e]!);
        const signals = [...commonSignals, patternSignal('antiDiagonal'), odds];
        const found = headSignals({
          ...{ maps: f32(maps), layers: 1, heads: LH, positions: T, causal: false },
          previous: f32(before),
          signals,
        });
        expect(found.map((s) => s.signal.name)).toEqual(['entropy', 'confidence', 'drift', 'antiDiagonal', 'oddMass']);
        const [entropy, confidence, drift, mirror, oddMass] = found.map((s) => s.values);
        const was = rounded(before);
        rounded(maps).forEach((rows, h) => {
          expect(entropy![h]).toBeCloseTo(plain.entropy(rows), 5);
          expect(confidence![h]).toBeCloseTo(plain.confidence(rows), 5);
          expect(drift![h]).toBeCloseTo(plain.drift(rows, was[h]!), 5);
          expect(mirror![h]).toBeCloseTo(plain.antiDiagonal(rows), 5);
          expect(oddMass![h]).toBeCloseTo(plain.oddMass(rows, odd[Math.floor(h / LH)]!), 5);
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
    const signals = headSignals({ ...two, maps, positions: T, previous: maps.slice().reverse() });
    expect(Object.fromEntries(signals.map((s) => [s.signal.name, s.values]))).toEqual({
      entropy: Float32Array.of(1, 0),
      confidence: Float32Array.of(0.25, 1),
      // The reversed list puts the other head in each place: 1/2 * (3/4 + 3 * 1/4) = 3/4.
      drift: Float32Array.of(0.75, 0.75),
      antiDiagonal: Float32Array.of(0.25, 1),
    });
  });

  it('of a causal map count only the keys that a query may look at', () => {
    // Rows over 1, 2 and 3 keys, uniform: entropy 1 (the first row, with one key, says nothing), largest weight 1, 1/2, 1/3.
    const map = Float32Array.of(1, 0, 0, 1 / 2, 1 / 2, 0, 1 / 3, 1 / 3, 1 / 3);
    const at = { queries: 3, keys: 3, causal: true, example: 0, layer: 0, head: 0, previous: null };
    expect(entropySignal.of(map, at)).toBeCloseTo(1, 6);
    expect(confidenceSignal.of(map, at)).toBeCloseTo((1 + 1 / 2 + 1 / 3) / 3, 6);
    expect(confidenceSignal.baseline(at)).toBeCloseTo((1 + 1 / 2 + 1 / 3) / 3, 12);
    // The key after its own is masked for every query but none is left to count.
    expect(patternSignal('next').of(map, at)).toBeNaN();
    // Queries 2 and 3 give 1/2 and 1/3 to the one before.
    expect(patternSignal('previous').of(map, at)).toBeCloseTo((1 / 2 + 1 / 3) / 2, 6);
    expect(patternSignal('previous').baseline(at)).toBeCloseTo((1 / 2 + 1 / 3) / 2, 12);
    expect(patternSignal('next').baseline(at)).toBeNull();
    // From one-hot on the first key, rows 2 and 3 move 1/2 and 2/3 of their weight; the first row cannot move.
    const before = Float32Array.of(1, 0, 0, 1, 0, 0, 1, 0, 0);
    expect(driftSignal.of(map, { ...at, previous: before })).toBeCloseTo((1 / 2 + 2 / 3) / 2, 6);
  });

  it('say nothing of drift without a snapshot before, and NaN where a map is none', () => {
    const maps = Float32Array.of(0.5, 0.5, Number.NaN, 0.5);
    const signals = headSignals({ ...two, heads: 1, maps, positions: 2, previous: null });
    expect(signals.map((s) => s.signal.name)).toEqual(['entropy', 'confidence', 'antiDiagonal']);
    for (const { values } of signals) expect(values[0]).toBeNaN();
  });

  it('are averaged over the examples per head', () => {
    // [E = 2, L x H = 3]
    expect(meanOverExamples(Float32Array.of(1, 2, 3, 5, 6, 7), 3)).toEqual([3, 4, 5]);
  });
});
