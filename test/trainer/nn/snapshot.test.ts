import { createHash } from 'node:crypto';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { axisOf, labelText, mistakes, readerOf } from '~/shared/aboutSnapshot';
import { mapOf, parseAttentionSnapshot } from '~/shared/attentionSnapshot';
import { ofType, record } from '~/test/support/trainRun';
import { gzipPiece } from '~/trainer/base/gzip';
import { itemSignal, patternSignal } from '~/trainer/nn/signals';
import { encodeSnapshot } from '~/trainer/nn/snapshot';
import { softmaxRows } from '~/trainer/nn/softmax';
import type { ModelShape } from '~/trainer/types';

const shape: ModelShape = {
  input: 'onehot',
  inputDim: 3,
  seqLen: 2,
  positional: true,
  output: 'position',
  outputDim: 3,
  modelDim: 4,
  layers: 2,
  heads: 1,
};

const read = (blob: Uint8Array) => parseAttentionSnapshot(gunzipSync(blob));

describe('a snapshot', () => {
  it('holds maps, labels, targets, likeliest answers and declared signals per example', async () => {
    const maps = Float32Array.of(0.5, 0.5, 0.25, 0.75, 0, 1, 1, 0);
    const { blob, layers, examples, signals } = await encodeSnapshot({
      step: 12,
      shape,
      probe: {
        batch: { size: 1, inputs: Int32Array.of(2, 0), labels: Int32Array.of(0, 2) },
        describe: {
          examples: [{ labels: { kind: 'numbers', items: [2, 0] } }],
          signals: [patternSignal('antiDiagonal', { main: true })],
          best: 2,
        },
      },
      attended: { maps, logits: Float32Array.of(Math.log(2), 0, 0, 0, 0, Math.log(8)), loss: 0, accuracy: 1 },
      previous: Float32Array.of(0.5, 0.5, 0.25, 0.75, 1, 0, 0, 1),
      gzip: gzipPiece,
    });
    const s = read(blob);
    expect([s.step, s.layers, s.causal, examples]).toEqual([12, layers, false, 1]);
    expect(layers).toEqual([1, 2].map((n) => ({ name: `layer ${n}`, heads: 1, queries: 2, keys: 2 })));
    expect([mapOf(s, 0, 0, 0), mapOf(s, 0, 1, 0)]).toEqual([maps.subarray(0, 4), maps.subarray(4)]);
    expect([s.targets, s.predictions!.ids]).toEqual([Int32Array.of(0, 2), Int32Array.of(0, 1, 2, 0)]);
    // exp(ln 2) : 1 : 1 and 1 : 1 : 8, the two largest of each
    expect([...s.predictions!.probabilities]).toEqual([0.5, 0.25, 0.8, 0.1].map((p) => expect.closeTo(p, 6)));
    expect(readerOf(s)).toBe('sequence');
    expect(s.signals.map(({ name, title, baseline, role, main }) => [name, title, baseline, role, main])).toEqual([
      ['entropy', 'entropy', null, 'entropy', undefined],
      ['confidence', 'confidence', 0.5, undefined, undefined],
      ['drift', 'drift', null, undefined, undefined],
      ['antiDiagonal', 'mirror', 0.5, undefined, true],
    ]);
    const logged = Object.fromEntries(signals.map(({ name, values }) => [name, values]));
    expect(logged.drift).toEqual([0, 1]);
    // layer 0: (0.5 + 0.25) / 2, layer 1: both of its queries on the other place
    expect(logged.antiDiagonal).toEqual([0.375, 1]);
    expect(signals[0]!.role).toBe('entropy');
  });

  it('of sets has one target and answer per example, and a score for every item', async () => {
    const { blob, signals } = await encodeSnapshot({
      step: 0,
      shape: { ...shape, input: 'features', output: 'set', outputDim: 1, positional: false, layers: 1 },
      probe: {
        batch: { size: 2, inputs: new Float32Array(12), labels: Int32Array.of(1, 0) },
        describe: {
          examples: [{ labels: { kind: 'pictures', items: [10, 11] } }, { labels: { kind: 'pictures', items: [12, 13] } }],
          signals: [itemSignal({ name: 'oddMass', title: 'odd one', meaning: '' }, (e) => [1, 0][e]!)],
        },
      },
      attended: {
        maps: Float32Array.of(0.25, 0.75, 0.5, 0.5, 0.5, 0.5, 1, 0),
        logits: Float32Array.of(0, 1, 2, 1),
        loss: 0,
        accuracy: 1,
      },
      previous: null,
      gzip: gzipPiece,
    });
    const s = read(blob);
    expect([s.answers, [...s.targets!], [...s.predictions!.ids], s.scores!.keys]).toEqual([1, [1, 0], [1, 0], 2]);
    expect(readerOf(s)).toBe('set');
    expect([...mistakes(s)]).toEqual([0, 0]);
    expect(s.axes[1]).toEqual({ kind: 'pictures', items: [12, 13] });
    // What the other item gives to the odd one: 0.75 in the first set, 1 in the second.
    expect(signals.find((v) => v.name === 'oddMass')!.values).toEqual([0.875]);
  });

  it('of causal text has the likeliest next tokens, and of a vocabulary of 50,000 only the tokens that occur', async () => {
    const [T, vocabulary] = [16, 50_000];
    const ids = Array.from({ length: T }, (_, t) => (7919 * t + 11) % vocabulary);
    const next = Int32Array.from(ids, (_, t) => ids[(t + 1) % T]!);
    const logits = Float32Array.from({ length: T * vocabulary }, (_, n) => ((n * 31) % 977) / 977);
    const asked = new Set<number>();
    const { blob } = await encodeSnapshot({
      step: 3,
      shape: { ...shape, seqLen: T, outputDim: vocabulary, inputDim: vocabulary, causal: true, layers: 1 },
      probe: {
        batch: { size: 1, inputs: Int32Array.from(ids), labels: next },
        describe: {
          examples: [{ labels: { kind: 'tokens', items: ids } }],
          answers: { kind: 'tokens' },
          tokenText: (id) => {
            asked.add(id);
            return `token${id}`;
          },
          signals: [],
          best: 3,
        },
      },
      attended: { maps: new Float32Array(T * T).fill(1 / T), logits, loss: 0, accuracy: 0 },
      previous: null,
      gzip: gzipPiece,
    });
    const s = read(blob);
    expect(readerOf(s)).toBe('text');
    const occur = new Set([...ids, ...s.predictions!.ids]);
    expect(new Set(s.vocabulary.keys())).toEqual(occur);
    expect(asked).toEqual(occur);
    expect(occur.size).toBeLessThanOrEqual(T + 3 * T);
    expect(blob.length).toBeLessThan(8_000);
    expect(labelText(s, axisOf(s, 0, 0, 'keys')!, 1)).toBe('token7930');
  });

  it('is stored under the hash that its event names', async () => {
    const run = await record();
    for (const { blob } of [...ofType(run, 'snapshot'), ...ofType(run, 'checkpoint')]) {
      const bytes = run.blobs.get(blob.hash)!;
      expect(createHash('sha256').update(bytes).digest('hex')).toBe(blob.hash);
      expect(bytes.length).toBe(blob.bytes);
    }
  });

  it('stays finite for large logits, takes the first of equals, and hides no NaN', () => {
    const { probabilities, argmax } = softmaxRows(Float32Array.of(1000, 1000, 0, Number.NaN), 2);
    expect([...probabilities]).toEqual([0.5, 0.5, Number.NaN, Number.NaN]);
    expect([...argmax]).toEqual([0, 0]);
  });
});
