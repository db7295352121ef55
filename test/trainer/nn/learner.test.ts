import { memory } from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { openForTest, testedBackends } from '~/test/support/backends';
import { plainHyper, randomBatch, smallReverse, smallSet } from '~/test/support/examples';
import type { OpenedBackend } from '~/trainer/backends';
import { createLearner } from '~/trainer/nn/learner';
import type { HeadOff, Hyper, Learner, ModelShape, StepMetrics } from '~/trainer/types';

const dropping: Hyper = { ...plainHyper, dropout: 0.2, inputDropout: 0.1, clip: { mode: 'norm', threshold: 0.5 } };

describe.each(testedBackends)('a learner on %s', (name) => {
  let backend: OpenedBackend | null;
  beforeAll(async () => {
    backend = await openForTest(name);
  });
  /** A test that needs the backend: skipped, visibly, where it does not load. */
  const onBackend = (title: string, fn: (backend: OpenedBackend) => Promise<void>) =>
    test(title, async ({ skip }) => {
      if (!backend) return skip(`${name} does not load here`);
      await fn(backend);
    });
  const open = (b: OpenedBackend, shape: ModelShape = smallReverse, seed = 1) =>
    createLearner({ shape, seed, optimizer: 'adam', backend: b });
  const train = async (learner: Learner, from: number, to: number, hyper = dropping) => {
    const all: StepMetrics[] = [];
    for (let step = from; step < to; step++) all.push(await learner.step(randomBatch(learner.shape, 8, step), hyper, step));
    return all;
  };

  onBackend('learns a batch by heart', async (b) => {
    const learner = open(b, smallSet);
    const batch = randomBatch(smallSet, 8, 1);
    const losses: number[] = [];
    for (let step = 0; step < 120; step++)
      losses.push((await learner.step(batch, { ...plainHyper, learningRate: 5e-3 }, step)).loss);
    expect(losses[0]).toBeGreaterThan(1);
    expect(losses.at(-1)).toBeLessThan(0.1);
    expect((await learner.evaluate([batch])).accuracy).toBe(1);
    learner.dispose();
  });

  onBackend('leaks no tensor: steps, evaluations, snapshots, state, loading', async (b) => {
    const before = memory().numTensors;
    const learner = open(b);
    const once = async (step: number) => {
      await learner.step(randomBatch(smallReverse, 8, step), dropping, step);
      await learner.step(
        randomBatch(smallReverse, 8, step),
        { ...plainHyper, clip: { mode: 'value', threshold: 0.01 }, weightDecay: 0.1 },
        step,
      );
      await learner.evaluate([randomBatch(smallReverse, 8, 0), randomBatch(smallReverse, 3, 1)]);
      await learner.attend(randomBatch(smallReverse, 2, 0));
      await learner.attend(randomBatch(smallReverse, 2, 0), [{ layer: 0, head: 1, how: 'mean' }]);
      learner.load(await learner.state());
    };
    await once(0);
    const { numTensors, numBytes } = memory();
    for (let step = 1; step < 4; step++) await once(step);
    expect([memory().numTensors, memory().numBytes]).toEqual([numTensors, numBytes]);
    learner.dispose();
    expect(memory().numTensors).toBe(before);
  });

  onBackend(
    'evaluations, maps and copies of the state leave no trace: the next 100 losses are the same bit for bit',
    async (b) => {
      const [quiet, watched] = [open(b), open(b)];
      const expected = await train(quiet, 0, 110);
      await train(watched, 0, 10);
      for (let round = 0; round < 2; round++) {
        await watched.evaluate([randomBatch(smallReverse, 8, 500), randomBatch(smallReverse, 5, 501)]);
        await watched.attend(randomBatch(smallReverse, 3, 502));
        await watched.attend(randomBatch(smallReverse, 3, 502), [{ layer: 1, head: 0, how: 'zero' }]);
        await watched.state();
      }
      expect(await train(watched, 10, 110)).toEqual(expected.slice(10));
      expect(await watched.state()).toEqual(await quiet.state());
      quiet.dispose();
      watched.dispose();
    },
  );

  onBackend(
    'a state that is read and loaded elsewhere goes on with the same numbers, in a learner of another seed too but for dropout',
    async (b) => {
      const [whole, first, second] = [open(b), open(b), open(b, smallReverse, 99)];
      const expected = await train(whole, 0, 30);
      await train(first, 0, 12);
      second.load(await first.state());
      const resumed = open(b);
      resumed.load(await first.state());
      expect(await train(resumed, 12, 30)).toEqual(expected.slice(12));
      const without = { ...dropping, dropout: 0, inputDropout: 0 };
      expect(await train(second, 12, 14, without)).toEqual(await train(first, 12, 14, without));
      for (const learner of [whole, first, second, resumed]) learner.dispose();
    },
  );

  onBackend(
    'dropout is a function of seed and step: the same step again gives the same loss, another step or seed another',
    async (b) => {
      const learner = open(b);
      const start = await learner.state();
      const lossAt = async (step: number, from = learner) => {
        from.load(start);
        return (await from.step(randomBatch(smallReverse, 8, 0), dropping, step)).loss;
      };
      const first = await lossAt(7);
      expect(await lossAt(7)).toBe(first);
      expect(await lossAt(8)).not.toBe(first);
      const other = open(b, smallReverse, 2);
      expect(await lossAt(7, other)).not.toBe(first);
      learner.dispose();
      other.dispose();
    },
  );

  onBackend('everything in hyper may change at every step, the paths in between included', async (b) => {
    const learner = open(b);
    const batch = randomBatch(smallReverse, 8, 3);
    const start = await learner.state();
    const normOfChange = async (hyper: Hyper) => {
      learner.load(start);
      const metrics = await learner.step(batch, hyper, 0);
      const { params } = await learner.state();
      return { ...metrics, change: Math.hypot(...params.map((p, at) => p - start.params[at]!)) };
    };
    const slow = await normOfChange(plainHyper);
    const fast = await normOfChange({ ...plainHyper, learningRate: 2e-3 });
    expect(fast.change / slow.change).toBeCloseTo(2, 3);
    const clipped = await normOfChange({ ...plainHyper, clip: { mode: 'norm', threshold: slow.gradNorm / 3 } });
    expect([slow.clipped, clipped.clipped]).toEqual([false, true]);
    expect(clipped.gradNorm).toBe(slow.gradNorm); // before clipping
    expect(Math.hypot(...slow.paramGradNorms)).toBeCloseTo(slow.gradNorm, 4);
    const byValue = await normOfChange({ ...plainHyper, clip: { mode: 'value', threshold: 1e-4 } });
    expect(byValue.clipped).toBe(true);
    expect((await normOfChange({ ...plainHyper, clip: { mode: 'value', threshold: 1e4 } })).clipped).toBe(false);
    expect((await normOfChange({ ...plainHyper, dropout: 0.5 })).loss).not.toBe(slow.loss);
    expect((await normOfChange({ ...plainHyper, inputDropout: 0.5 })).loss).not.toBe(slow.loss);
    expect((await normOfChange({ ...plainHyper, weightDecay: 10 })).change).not.toBe(slow.change);
    expect(await normOfChange(plainHyper)).toEqual(slow);
    learner.dispose();
  });

  // A part of n examples counts n / size, so the sum over parts is the mean over the batch; only the order of additions differs.
  onBackend(
    'a batch in 3 parts (3, 3 and 2 examples) gives the update of the whole batch, and parts drop differently',
    async (b) => {
      const batch = randomBatch(smallReverse, 8, 3);
      const updated = async (hyper: Hyper) => {
        const learner = open(b);
        const metrics = [await learner.step(batch, hyper, 0), await learner.step(batch, hyper, 1)];
        const { params } = await learner.state();
        learner.dispose();
        return { metrics, params };
      };
      const hyper: Hyper = { ...plainHyper, clip: { mode: 'norm', threshold: 0.5 } };
      const [whole, parts] = [await updated(hyper), await updated({ ...hyper, accumulation: 3 })];
      for (const [at, { loss, accuracy, gradNorm, clipped, paramGradNorms }] of parts.metrics.entries()) {
        const expected = whole.metrics[at]!;
        expect(loss).toBeCloseTo(expected.loss, 5);
        expect(accuracy).toBeCloseTo(expected.accuracy, 6);
        expect(gradNorm).toBeCloseTo(expected.gradNorm, 5);
        expect(clipped).toBe(expected.clipped);
        for (const [n, norm] of paramGradNorms.entries()) expect(norm).toBeCloseTo(expected.paramGradNorms[n]!, 5);
      }
      for (const [at, value] of parts.params.entries()) expect(Math.abs(value - whole.params[at]!)).toBeLessThan(2.1e-3); // Adam: +-lr where a gradient is rounding alone
      const single = { ...plainHyper, dropout: 0.5 };
      expect((await updated({ ...single, accumulation: 8 })).metrics[0]!.loss).not.toBe((await updated(single)).metrics[0]!.loss);
    },
  );

  onBackend('a diverged run reports NaN or infinity and goes on', async (b) => {
    const learner = open(b);
    const { params } = await learner.state();
    learner.load({ params: params.map((p, at) => (at === 40 ? Number.NaN : p)), m: null, v: null, updates: 0 });
    const poisoned = await learner.step(randomBatch(smallReverse, 4, 1), dropping, 0);
    expect([poisoned.loss, poisoned.gradNorm]).toEqual([Number.NaN, Number.NaN]);
    learner.load({ params: params.map((p) => p * 1e30), m: null, v: null, updates: 0 });
    const exploded = await learner.step(randomBatch(smallReverse, 4, 1), dropping, 0);
    expect(Number.isFinite(exploded.gradNorm)).toBe(false);
    learner.load({ params, m: null, v: null, updates: 0 });
    expect(Number.isFinite((await learner.step(randomBatch(smallReverse, 4, 1), dropping, 0)).loss)).toBe(true);
    learner.dispose();
  });

  onBackend('attend: exact maps of every example, layer and head, whatever the batch they come in', async (b) => {
    const learner = open(b);
    const { layers, heads, seqLen, outputDim } = smallReverse;
    const batch = randomBatch(smallReverse, 70, 5); // more than it takes at once
    const all = await learner.attend(batch);
    expect([all.maps.length, all.logits.length]).toEqual([70 * layers * heads * seqLen ** 2, 70 * seqLen * outputDim]);
    for (let row = 0; row < all.maps.length; row += seqLen) {
      const sum = all.maps.subarray(row, row + seqLen).reduce((a, v) => a + v, 0);
      expect(Math.abs(sum - 1)).toBeLessThan(1e-5);
    }
    const last = { size: 1, inputs: batch.inputs.slice(-seqLen), labels: batch.labels.slice(-seqLen) };
    const alone = await learner.attend(last);
    const perExample = layers * heads * seqLen ** 2;
    for (let at = 0; at < perExample; at++)
      expect(Math.abs(alone.maps[at]! - all.maps[69 * perExample + at]!)).toBeLessThan(1e-5);
    const { loss, accuracy } = await learner.evaluate([batch]);
    expect(all.loss).toBeCloseTo(loss, 5);
    expect(all.accuracy).toBeCloseTo(accuracy, 5);
    learner.dispose();
  });

  onBackend(
    'causal: weights after a position are exactly 0, rows sum to 1, and no later input changes an earlier output',
    async (b) => {
      const shape: ModelShape = { ...smallReverse, seqLen: 9, causal: true };
      const { seqLen: T, outputDim: C } = shape;
      const learner = open(b, shape);
      await train(learner, 0, 3);
      const batch = randomBatch(shape, 3, 5);
      const { maps, logits } = await learner.attend(batch);
      for (let row = 0; row < maps.length / T; row++) {
        const weights = [...maps.subarray(row * T, (row + 1) * T)];
        expect(weights.slice((row % T) + 1).every((w) => Object.is(w, 0))).toBe(true);
        expect(weights.reduce((sum, w) => sum + w, 0)).toBeCloseTo(1, 5);
      }
      // Another character at position 6 of every example.
      const inputs = batch.inputs.slice() as Int32Array;
      for (let e = 0; e < 3; e++) inputs[e * T + 6] = (inputs[e * T + 6]! + 1) % shape.inputDim;
      const changed = await learner.attend({ ...batch, inputs });
      for (let e = 0; e < 3; e++) {
        const of = (all: Float32Array, from: number, to: number) => [...all.subarray((e * T + from) * C, (e * T + to) * C)];
        expect(of(changed.logits, 0, 6)).toEqual(of(logits, 0, 6));
        expect(of(changed.logits, 6, 7)).not.toEqual(of(logits, 6, 7));
      }
      learner.dispose();
    },
  );

  onBackend('attend with heads off: their output is zero, or their mean; the maps before them stay', async (b) => {
    const learner = open(b);
    const { layers, heads, seqLen } = smallReverse;
    const batch = randomBatch(smallReverse, 4, 5);
    const whole = await learner.attend(batch);
    const edited = async (...off: HeadOff[]) => learner.attend(batch, off);
    const zero = await edited({ layer: 0, head: 1, how: 'zero' });
    const mean = await edited({ layer: 0, head: 1, how: 'mean' });
    const perLayer = heads * seqLen ** 2;
    const layerOf = (maps: Float32Array, layer: number) =>
      Array.from({ length: batch.size }, (_, at) => [
        ...maps.subarray((at * layers + layer) * perLayer, (at * layers + layer + 1) * perLayer),
      ]).flat();
    const apart = (a: ArrayLike<number>, c: ArrayLike<number>) =>
      Math.max(...Array.from(a, (value, at) => Math.abs(value - c[at]!)));
    for (const result of [zero, mean]) {
      expect(apart(layerOf(result.maps, 0), layerOf(whole.maps, 0))).toBeLessThan(1e-6);
      expect(apart(layerOf(result.maps, 1), layerOf(whole.maps, 1))).toBeGreaterThan(1e-4);
      expect(apart(result.logits, whole.logits)).toBeGreaterThan(1e-4);
    }
    expect(apart(zero.logits, mean.logits)).toBeGreaterThan(1e-4);

    // With every head of every layer at zero, attention adds its bias and nothing else: positions no longer see each other.
    const silent = Array.from(
      { length: layers * heads },
      (_, at): HeadOff => ({ layer: Math.floor(at / heads), head: at % heads, how: 'zero' }),
    );
    const deaf = await edited(...silent);
    const inputs = batch.inputs.map((id, at) =>
      at % seqLen === seqLen - 1 ? (id + 1) % smallReverse.inputDim : id,
    ) as Int32Array;
    const other = await learner.attend({ ...batch, inputs }, silent);
    const firstPosition = (logits: Float32Array) => logits.subarray(0, smallReverse.outputDim);
    expect(apart(firstPosition(deaf.logits), firstPosition(other.logits))).toBe(0);

    await expect(edited({ layer: 2, head: 0, how: 'zero' })).rejects.toThrow('layer: 2 is not in 0 .. 1');
    await expect(edited({ layer: 0, head: 3, how: 'zero' })).rejects.toThrow('head: 3 is not in 0 .. 2');
    learner.dispose();
  });

  onBackend('evaluate weighs batches by their size', async (b) => {
    const learner = open(b, smallSet);
    const [large, small] = [randomBatch(smallSet, 9, 1), randomBatch(smallSet, 2, 2)];
    const [one, two, both] = [
      await learner.evaluate([large]),
      await learner.evaluate([small]),
      await learner.evaluate([large, small]),
    ];
    expect(both.loss).toBeCloseTo((9 * one.loss + 2 * two.loss) / 11, 5);
    expect(both.accuracy).toBeCloseTo((9 * one.accuracy + 2 * two.accuracy) / 11, 6);
    expect(both.examples).toBe(11);
    await expect(learner.evaluate([])).rejects.toThrow('evaluate: there are no examples');
    learner.dispose();
  });

  onBackend('a batch or state that does not fit is refused, naming what and where', async (b) => {
    const learner = open(b);
    const batch = randomBatch(smallReverse, 2, 1);
    const step = (changes: object) => learner.step({ ...batch, ...changes }, plainHyper, 0);
    await expect(step({ size: 3 })).rejects.toThrow('inputs: 10 numbers, the batch needs 15 = 3 x 5');
    await expect(step({ labels: Int32Array.of(1) })).rejects.toThrow('labels: 1 numbers, the batch needs 10 = 2 x 5');
    await expect(step({ inputs: batch.inputs.map(() => 7) })).rejects.toThrow('inputs[0]: 7 is not in 0 .. 6');
    await expect(step({ labels: batch.labels.map((_, at) => (at === 4 ? -1 : 0)) })).rejects.toThrow(
      'labels[4]: -1 is not in 0 .. 5',
    );
    const { params } = await learner.state();
    expect(() => learner.load({ params: params.subarray(1), m: null, v: null, updates: 0 })).toThrow(
      `params: ${params.length - 1} numbers, the model has ${params.length} parameters`,
    );
    expect(() => learner.load({ params, m: null, v: null, updates: -1 })).toThrow(
      'updates: -1 is not a whole number of at least 0',
    );
    learner.dispose();
  });
});
