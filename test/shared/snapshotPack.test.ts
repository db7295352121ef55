import { gunzipSync, gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { mapOf, parseAttentionSnapshot } from '~/shared/attentionSnapshot';
import type { SnapshotDescription } from '~/shared/snapshotFile';
import {
  headPiece,
  highPiece,
  joinHigh,
  joinLow,
  lowPiece,
  type PackIndex,
  packIndex,
  packSnapshot,
  splitHalves,
} from '~/shared/snapshotPack';
import { plainSnapshot } from '~/shared/snapshotPlain';
import { randomWeights } from '~/test/support/describedSnapshot';
import { gzipPiece } from '~/trainer/base/gzip';

const bitsOf = (values: Float32Array) => [...new Uint32Array(values.buffer, values.byteOffset, values.length)];

describe('the halves of weights', () => {
  it('together are the weights bit for bit; the upper one alone is at most 1 part in 256 away', () => {
    const weight = fc.oneof(
      fc.float({ min: 0, max: 1, noNaN: true }),
      fc.float(),
      fc.constantFrom(0, -0, 1, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY),
    );
    fc.assert(
      fc.property(fc.array(weight, { minLength: 1, maxLength: 40 }), (list) => {
        const weights = Float32Array.from(list);
        const { high, low } = splitHalves(weights);
        const rounded = joinHigh(high);
        expect(bitsOf(joinLow(rounded, low))).toEqual(bitsOf(weights));
        weights.forEach((w, i) => {
          if (Number.isNaN(w)) expect(rounded[i]).toBeNaN();
          // Below the smallest normal number the error is not relative.
          else if (w >= 1e-37 && w <= 1) expect(Math.abs(rounded[i]! - w)).toBeLessThanOrEqual(w / 256);
          else if (w === 0 || !Number.isFinite(w)) expect(rounded[i]).toBe(w);
        });
      }),
      { seed: 7, numRuns: 500 },
    );
  });
});

const description = (layers: SnapshotDescription['layers'], examples: number): SnapshotDescription => ({
  version: 2,
  step: 7,
  layers,
  causal: false,
  examples: Array.from({ length: examples }, () => ({ keys: null, queries: null })),
  axes: [],
  signals: [],
});

async function packed(layers: SnapshotDescription['layers'], examples: number) {
  const maps = Array.from({ length: examples }, (_, e) => {
    const own = layers.map((l, n) => randomWeights(l, 1, false, 100 * e + n));
    const all = new Float32Array(own.reduce((n, w) => n + w.length, 0));
    let at = 0;
    for (const w of own) {
      all.set(w, at);
      at += w.length;
    }
    return all;
  });
  const bytes = await packSnapshot({ description: description(layers, examples), tensors: [], maps }, gzipPiece);
  return { bytes, maps, index: packIndex(bytes) as PackIndex };
}

describe('a packed snapshot', () => {
  const ragged = [
    { name: 'a', heads: 2, queries: 3, keys: 5 },
    { name: 'b', heads: 1, queries: 5, keys: 2 },
  ];

  it('unzipped is one safetensors file; each example has pieces of its own', async () => {
    const { bytes, maps, index } = await packed(ragged, 3);
    const s = parseAttentionSnapshot(gunzipSync(bytes));
    for (const [e, own] of maps.entries())
      expect([mapOf(s, e, 0, 1), mapOf(s, e, 1, 0)]).toEqual([own.subarray(15, 30), own.subarray(30)]);
    const piece = ({ start, end }: { start: number; end: number }) => gunzipSync(bytes.subarray(start, end));
    const rounded = joinHigh(piece(highPiece(index, 2)));
    expect(joinLow(rounded, piece(lowPiece(index, 2)))).toEqual(maps[2]);
    expect(lowPiece(index, 2).end).toBe(bytes.length);
    expect(headPiece(index).end).toBe(highPiece(index, 0).start);
  });

  it('tells from its first bytes how it is divided, or how many are needed to tell; other files are not packed', async () => {
    const { bytes, index } = await packed(ragged, 3);
    expect(packIndex(bytes.subarray(0, 3))).toBe(16);
    expect(packIndex(bytes.subarray(0, 16))).toBe(index.offsets[0]);
    expect(packIndex(bytes.subarray(0, index.offsets[0]!))).toEqual(index);
    expect(packIndex(gzipSync(new Uint8Array(100)))).toBeNull();
    expect(packIndex(new Uint8Array(100))).toBeNull();
  });

  it('taken away it is the plain form, exact', async () => {
    const { bytes, maps } = await packed(ragged, 2);
    const plain = plainSnapshot(gunzipSync(bytes), null);
    const s = parseAttentionSnapshot(plain);
    expect(mapOf(s, 1, 1, 0)).toEqual(maps[1]!.subarray(30));
    expect(s.stored).toBe('f32');
  });

  it('12 x 12 heads of 32 x 32, 8 examples: what a page reads of it to show one example is below 500 kB', async () => {
    const layers = Array.from({ length: 12 }, (_, l) => ({ name: `layer ${l + 1}`, heads: 12, queries: 32, keys: 32 }));
    const { bytes, index } = await packed(layers, 8);
    const size = ({ start, end }: { start: number; end: number }) => end - start;
    const shown = index.offsets[0]! + size(headPiece(index)) + size(highPiece(index, 5));
    // Random rows, the worst case for a compressor: 4.7 MB of f32.
    expect(shown).toBeLessThan(250_000);
    expect(shown + size(lowPiece(index, 5))).toBeLessThan(560_000);
    expect(bytes.length).toBeLessThan(4_400_000);
  });
});
