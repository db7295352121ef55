import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { parseSafetensors } from '~/shared/safetensors';
import { ofType, record } from '~/test/support/trainRun';
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

describe('a snapshot', () => {
  it('is a safetensors file with maps, digits, targets, predictions, probabilities and signals per example', () => {
    const maps = Float32Array.of(0.5, 0.5, 0.25, 0.75, 0, 1, 1, 0);
    const { blob, signals } = encodeSnapshot({
      recipe: 'reverse',
      runId: 'run000',
      step: 12,
      shape,
      probe: {
        batch: { size: 1, inputs: Int32Array.of(2, 0), labels: Int32Array.of(0, 2) },
        describe: {
          examples: [{ labels: { kind: 'numbers', items: [2, 0] } }],
          signals: [patternSignal('antiDiagonal')],
        },
      },
      attended: { maps, logits: Float32Array.of(Math.log(2), 0, 0, 0, 0, Math.log(8)), loss: 0, accuracy: 1 },
      previous: Float32Array.of(0.5, 0.5, 0.25, 0.75, 1, 0, 0, 1),
    });
    const { tensors, metadata } = parseSafetensors(blob);
    expect(metadata).toEqual({ task: 'reverse', step: '12', runId: 'run000' });
    expect([...tensors].map(([name, t]) => [name, t.dtype, t.shape])).toEqual([
      ['attention', 'F32', [1, 2, 1, 2, 2]],
      ['inputs', 'I32', [1, 2]],
      ['labels', 'I32', [1, 2]],
      ['predictions', 'I32', [1, 2]],
      ['probabilities', 'F32', [1, 2, 3]],
      ['signal.entropy', 'F32', [1, 2, 1]],
      ['signal.confidence', 'F32', [1, 2, 1]],
      ['signal.drift', 'F32', [1, 2, 1]],
      ['signal.antiDiagonal', 'F32', [1, 2, 1]],
    ]);
    expect(tensors.get('attention')!.data).toEqual(maps);
    expect([...tensors.get('predictions')!.data]).toEqual([0, 2]);
    // exp(ln 2) : 1 : 1 and 1 : 1 : 8
    const expected = [0.5, 0.25, 0.25, 0.1, 0.1, 0.8];
    (tensors.get('probabilities')!.data as Float32Array).forEach((p, i) => void expect(p).toBeCloseTo(expected[i]!, 6));
    expect(signals.drift).toEqual([0, 1]);
    // layer 0: (0.5 + 0.25) / 2, layer 1: both of its queries on the other place
    expect(signals.antiDiagonal).toEqual([0.375, 1]);
  });

  it('of sets has one label and prediction per example and probabilities over the items', () => {
    const { blob, signals } = encodeSnapshot({
      recipe: 'anomaly',
      runId: null,
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
    });
    const { tensors, metadata } = parseSafetensors(blob);
    expect(metadata).toEqual({ task: 'anomaly', step: '0' });
    expect([...tensors].map(([name, t]) => [name, t.shape])).toEqual([
      ['attention', [2, 1, 1, 2, 2]],
      ['inputs', [2, 2]],
      ['labels', [2]],
      ['predictions', [2]],
      ['probabilities', [2, 2]],
      ['signal.entropy', [2, 1, 1]],
      ['signal.confidence', [2, 1, 1]],
      ['signal.oddMass', [2, 1, 1]],
    ]);
    expect([...tensors.get('predictions')!.data]).toEqual([1, 0]);
    // What the other item gives to the odd one: 0.75 in the first set, 1 in the second.
    expect(signals.oddMass).toEqual([0.875]);
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
