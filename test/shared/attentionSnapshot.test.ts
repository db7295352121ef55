import { describe, expect, it } from 'vitest';
import { answerText, axisOf, exampleKey, labelText, mistakes, overExamples, readerOf, targetKeys } from '~/shared/aboutSnapshot';
import { type AttentionSnapshot, mapOf, parseAttentionSnapshot, withPictures } from '~/shared/attentionSnapshot';
import { parseSafetensors, serializeSafetensors } from '~/shared/safetensors';
import { plainSnapshot } from '~/shared/snapshotPlain';
import { column, identity, joined, mirror, noise, snapshotBytes, uniform } from '~/test/support/attentionMaps';
import { describedSnapshot } from '~/test/support/describedSnapshot';
import { seeded } from '~/test/support/seeded';

const T = 5;
const old = () =>
  snapshotBytes({
    step: 40,
    layers: 2,
    heads: 1,
    keys: T,
    examples: [joined(identity(T), mirror(T)), joined(uniform(T), column(T, 3))],
    predictions: [
      [4, 3, 2, 1, 0],
      [4, 3, 9, 1, 9],
    ],
    signals: { entropy: [0, 0.25, 1, 0.5] },
  });

describe('a snapshot of version 0.1', () => {
  it('is read as one that describes itself: layers, maps, labels, targets, answers, signals', () => {
    const s = parseAttentionSnapshot(old());
    const layer = (n: number) => ({ name: `layer ${n}`, heads: 1, queries: T, keys: T });
    expect([s.step, s.examples, s.layers, s.answers, s.causal]).toEqual([40, 2, [layer(1), layer(2)], T, false]);
    expect(mapOf(s, 0, 1, 0)).toEqual(mirror(T));
    expect(mapOf(s, 1, 0, 0)).toEqual(uniform(T));
    expect(mistakes(s)).toEqual(Int32Array.of(0, 2));
    const [entropy] = s.signals;
    expect([entropy!.title, entropy!.range, entropy!.values]).toEqual([
      'entropy',
      [0, 1],
      [Float32Array.of(0, 1), Float32Array.of(0.25, 0.5)],
    ]);
    expect(labelText(s, axisOf(s, 1, 0, 'keys')!, 3)).toBe('3');
    expect([readerOf(s), s.pictures, s.stored]).toEqual(['sequence', null, 'f32']);
  });

  it('a tensor that is missing or does not fit is named', () => {
    const one = { shape: [1, 1, 1, 2, 2], data: new Float32Array(4) };
    const ids = (...shape: number[]) => ({ shape, data: new Int32Array(shape.reduce((a, b) => a * b, 1)) });
    const read = (tensors: Record<string, { shape: number[]; data: Float32Array | Int32Array }>, metadata = { step: '0' }) =>
      parseAttentionSnapshot(serializeSafetensors(Object.entries(tensors), metadata));
    expect(() => read({ attention: one })).toThrow('tensor "inputs" is missing');
    expect(() => read({ attention: one, inputs: ids(1, 3) })).toThrow('tensor "inputs" has shape [1, 3], expected [1, 2]');
    expect(() => read({ attention: { shape: [4], data: new Float32Array(4) } })).toThrow('5 dimensions are needed');
    expect(() => read({ attention: one }, { step: 'x' })).toThrow('step "x" is not a step');
    expect(() => parseAttentionSnapshot(old().subarray(0, 100))).toThrow(/truncated/);
  });

  it('pictures may be in the file or in one of their own, which it names; an index outside of them is refused', () => {
    const pictures = { data: Uint8Array.from({ length: 2 * 2 * 2 * 3 }, (_, i) => i), count: 2, side: 2 };
    const file = serializeSafetensors([['pictures', { shape: [2, 2, 2, 3], data: pictures.data }]], {});
    const set = { task: 'anomaly' as const, layers: 1, heads: 1, keys: 3, examples: [uniform(3)], labels: [[0]] };
    const apart = parseAttentionSnapshot(snapshotBytes({ ...set, inputs: [[0, 1, 0]], picturesFile: 'abcdef' }));
    expect([readerOf(apart), apart.picturesFile, apart.pictures, targetKeys(apart)]).toEqual([
      'set',
      'abcdef',
      null,
      Int32Array.of(0),
    ]);
    expect(withPictures(apart, file).pictures).toEqual(pictures);
    const taken = plainSnapshot(snapshotBytes({ ...set, inputs: [[0, 1, 0]], picturesFile: 'abcdef' }), file);
    expect(parseAttentionSnapshot(taken)).toMatchObject({ pictures, picturesFile: null });
    const outside = snapshotBytes({ ...set, inputs: [[0, 1, 2]], picturesFile: 'abcdef' });
    expect(() => parseAttentionSnapshot(outside, file)).toThrow('names a picture outside the 2');
    expect(() => parseAttentionSnapshot(snapshotBytes({ ...set, inputs: [[0, 1, 2]], pictures }))).toThrow('outside the 2');
  });
});

describe('a snapshot that describes itself', () => {
  const cross = describedSnapshot({
    layers: [
      { name: 'encoder', heads: 2, queries: 3, keys: 3 },
      { name: 'decoder', heads: 1, queries: 2, keys: 2 },
      { name: 'cross', heads: 3, queries: 2, keys: 3 },
    ],
    axes: [
      { kind: 'text', items: ['the', 'old', 'cat'] },
      { kind: 'tokens', items: [70_000, 5] },
    ],
    examples: [{ name: 'a pair', keys: 0, queries: 1 }],
    vocabulary: [
      [70_000, 'le'],
      [5, 'chat'],
    ],
  });

  it('layers have their own heads, queries and keys; labels stand where they are as many', () => {
    const s = parseAttentionSnapshot(cross);
    expect(s.layers.map((l) => [l.heads, l.queries, l.keys])).toEqual([
      [2, 3, 3],
      [1, 2, 2],
      [3, 2, 3],
    ]);
    expect(mapOf(s, 0, 2, 2)).toHaveLength(6);
    const labels = (layer: number, side: 'queries' | 'keys') => {
      const axis = axisOf(s, 0, layer, side)!;
      return axis.items.map((_, t) => labelText(s, axis, t));
    };
    expect([labels(0, 'queries'), labels(0, 'keys')]).toEqual([
      ['the', 'old', 'cat'],
      ['the', 'old', 'cat'],
    ]);
    expect([labels(1, 'keys'), labels(2, 'queries'), labels(2, 'keys')]).toEqual([
      ['le', 'chat'],
      ['le', 'chat'],
      ['the', 'old', 'cat'],
    ]);
    expect([readerOf(s), s.targets, s.answers]).toEqual(['none', null, 0]);
  });

  it('its reader follows from what it declares', () => {
    const layers = [{ name: 'only', heads: 1, queries: 4, keys: 4 }];
    const of = (more: Partial<Parameters<typeof describedSnapshot>[0]>) =>
      readerOf(parseAttentionSnapshot(describedSnapshot({ layers, ...more })));
    const ids = Int32Array.of(1, 2, 3, 0);
    const predictions = { ids, probabilities: new Float32Array(4).fill(0.5), shape: [1, 4, 1] };
    expect(of({})).toBe('none');
    expect(of({ targets: { data: ids, shape: [1, 4] } })).toBe('sequence');
    expect(of({ targets: { data: ids, shape: [1, 4] }, causal: true })).toBe('none');
    expect(of({ predictions, causal: true })).toBe('text');
    expect(of({ predictions, targets: { data: ids, shape: [1, 4] }, causal: true })).toBe('text');
    expect(of({ targets: { data: Int32Array.of(2), shape: [1, 1] } })).toBe('none');
    expect(of({ scores: new Float32Array(4), causal: true })).toBe('set');
  });

  it('weights may be kept as f16 or bf16; what is not f32 says so', () => {
    const layers = [{ name: 'only', heads: 1, queries: 1, keys: 4 }];
    // 1, 1/2, 1/4 and 0 in both formats
    const kept = (dtype: 'F16' | 'BF16', halves: number[]) => {
      const bytes = describedSnapshot({ layers, weights: [Float32Array.of(1, 0.5, 0.25, 0)] });
      const text = new TextDecoder().decode(bytes);
      const header = JSON.parse(text.slice(8, text.indexOf('}}', text.indexOf('attention.0')) + 2).trimEnd());
      header['attention.0'] = { dtype, shape: [1, 1, 1, 4], data_offsets: [0, 8] };
      const head = new TextEncoder().encode(JSON.stringify(header));
      const out = new Uint8Array(8 + head.length + 8);
      new DataView(out.buffer).setBigUint64(0, BigInt(head.length), true);
      out.set(head, 8);
      out.set(new Uint8Array(Uint16Array.from(halves).buffer), 8 + head.length);
      return parseAttentionSnapshot(out);
    };
    for (const [dtype, halves] of [
      ['F16', [0x3c00, 0x3800, 0x3400, 0]],
      ['BF16', [0x3f80, 0x3f00, 0x3e80, 0]],
    ] as const) {
      const s = kept(dtype, [...halves]);
      expect([s.stored, mapOf(s, 0, 0, 0)]).toEqual([dtype.toLowerCase(), Float32Array.of(1, 0.5, 0.25, 0)]);
    }
  });

  it('what does not fit is refused with its name', () => {
    const layers = [{ name: 'only', heads: 1, queries: 2, keys: 2 }];
    const read = (more: Partial<Parameters<typeof describedSnapshot>[0]>) =>
      parseAttentionSnapshot(describedSnapshot({ layers, ...more }));
    expect(() => read({ examples: [{ keys: 3, queries: null }] })).toThrow('examples.0 names axis 3, there are 0');
    expect(() => read({ targets: { data: new Int32Array(4), shape: [2, 2] } })).toThrow('tensor "targets" has shape [2, 2]');
    expect(() => read({ layers: [] })).toThrow('metadata "headroom"');
    const { tensors } = parseSafetensors(describedSnapshot({ layers }));
    expect(() => parseAttentionSnapshot(serializeSafetensors(tensors, { headroom: '{' }))).toThrow('is not JSON');
  });

  it('examples are the same when their labels are', () => {
    const of = (items: string[]): AttentionSnapshot =>
      parseAttentionSnapshot(
        describedSnapshot({
          layers: [{ name: 'only', heads: 1, queries: 2, keys: 2 }],
          axes: [{ kind: 'text', items }],
          examples: [{ keys: 0, queries: 0 }],
        }),
      );
    expect(exampleKey(of(['a', 'b']), 0)).toBe(exampleKey(of(['a', 'b']), 0));
    expect(exampleKey(of(['a', 'b']), 0)).not.toBe(exampleKey(of(['b', 'a']), 0));
    expect(answerText(of(['a', 'b']), 7)).toBe('7');
  });
});

describe('over the probe examples', () => {
  const odd = [0, 3, 4, 1];
  const sets = parseAttentionSnapshot(
    snapshotBytes({
      task: 'anomaly',
      layers: 1,
      heads: 1,
      keys: T,
      examples: odd.map((o) => column(T, o)),
      labels: odd.map((o) => [o]),
    }),
  );

  it('sets aligned by role show the odd column, unaligned ones do not', () => {
    // All weight of every query on the target: in its own column once they are aligned, else a quarter in each of four.
    expect([...overExamples(sets, 'mean', true)[0]!.subarray(0, T)]).toEqual([0, 0, 0, 0, 1]);
    expect([...overExamples(sets, 'mean', false)[0]!.subarray(0, T)]).toEqual([0.25, 0.25, 0, 0.25, 0.25]);
  });

  it('mean and spread equal their definition cell by cell', () => {
    const random = seeded(5);
    const maps = Array.from({ length: 6 }, () => noise(2, 2, random));
    const s = parseAttentionSnapshot(snapshotBytes({ layers: 1, heads: 1, keys: 2, examples: maps }));
    for (let n = 0; n < 4; n++) {
      const values = maps.map((m) => m[n]!);
      const mean = values.reduce((a, b) => a + b) / 6;
      expect(overExamples(s, 'mean', false)[0]![n]).toBeCloseTo(mean, 6);
      expect(overExamples(s, 'spread', false)[0]![n]).toBeCloseTo(
        Math.sqrt(values.reduce((t, v) => t + (v - mean) ** 2, 0) / 6),
        6,
      );
    }
  });
});
