import { readFileSync } from 'node:fs';
import { add, memory, mul, type Tensor, tensor1d } from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { compareWithReference } from '~/test/parity/main';
import { openForTest } from '~/test/support/backends';
import { plainHyper, randomBatch, smallReverse } from '~/test/support/examples';
import type { OpenedBackend } from '~/trainer/backends';
import { createLearner } from '~/trainer/nn/learner';
import { hashedUniform, noise } from '~/trainer/nn/noise';
import type { Hyper, Learner, StepMetrics } from '~/trainer/types';

const dropping: Hyper = { ...plainHyper, dropout: 0.2, inputDropout: 0.1, clip: { mode: 'norm', threshold: 0.5 } };

/** On a GPU where there is one, else on SwiftShader, which computes the same commands on the processor. */
describe('webgpu', () => {
  let backend: OpenedBackend | null;
  beforeAll(async () => {
    backend = await openForTest('webgpu');
  });
  const onBackend = (title: string, fn: (backend: OpenedBackend) => Promise<void>) =>
    test(title, async ({ skip }) => {
      if (!backend) return skip('webgpu does not load here');
      await fn(backend);
    });

  // Causal masks, a learned embedding, clipping by value; a set. Sizes that nothing divides.
  for (const name of ['causal-learned', 'odd-set'])
    onBackend(`gives PyTorch's numbers on ${name}`, async (b) => {
      const rows = await compareWithReference(readFileSync(`test/fixtures/${name}.safetensors`), b);
      expect(rows.filter((row) => row.ok === false)).toEqual([]);
    });

  onBackend('a recorded step computes what the function does, for new values and for new shapes', async (b) => {
    const compiled = b.compileStep(([x]) => [add(mul(x!, x!), 1)]);
    for (const values of [
      [1, 2],
      [3, 4],
      [5, 6, 7],
      [8, 9],
    ]) {
      const x = tensor1d(values);
      const [y] = compiled.run([x]) as [Tensor];
      expect([...(await y.data())]).toEqual(values.map((value) => value * value + 1));
      for (const used of [x, y]) used.dispose();
    }
    expect([compiled.mode, compiled.ops]).toEqual(['graph', 2]);
    compiled.dispose();
  });

  onBackend('a step that reads a tensor back runs op by op', async (b) => {
    const compiled = b.compileStep(([x]) => [mul(x!, x!.dataSync()[0]!)]);
    const x = tensor1d([2, 5]);
    const [y] = compiled.run([x]) as [Tensor];
    expect([...(await y.data())]).toEqual([4, 10]);
    expect(compiled.mode).toBe('eager');
    for (const used of [x, y]) used.dispose();
  });

  onBackend('noise is that of the other backends', async () => {
    const seed = tensor1d([-5, 1234567890], 'int32');
    const made = noise(seed, 3, [300]);
    expect(await made.data()).toEqual(hashedUniform(-5, 1234567893, new Float32Array(300)));
    for (const used of [seed, made]) used.dispose();
  });

  onBackend('resumed from its state, a learner gives the same numbers bit for bit and leaks no tensor', async (b) => {
    const open = () => createLearner({ shape: smallReverse, seed: 1, optimizer: 'adam', backend: b });
    const train = async (learner: Learner, from: number, to: number) => {
      const all: StepMetrics[] = [];
      for (let step = from; step < to; step++) all.push(await learner.step(randomBatch(smallReverse, 8, step), dropping, step));
      return all;
    };
    const whole = open();
    await train(whole, 0, 2);
    const { numTensors } = memory();
    const state = await whole.state();
    const rest = await train(whole, 2, 5);
    expect(memory().numTensors).toBe(numTensors);
    const resumed = open();
    resumed.load(state);
    expect(await train(resumed, 2, 5)).toEqual(rest);
    expect(await resumed.state()).toEqual(await whole.state());
    for (const learner of [whole, resumed]) learner.dispose();
  });
});
