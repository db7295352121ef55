import { add, mul, scalar, type Tensor, tensor1d, tidy } from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { openForTest, testedBackends } from '~/test/support/backends';
import { plainHyper, randomBatch, smallReverse } from '~/test/support/examples';
import { type OpenedBackend, openBackend, parseBackendName } from '~/trainer/backends';
import { createLearner } from '~/trainer/nn/learner';
import { noise } from '~/trainer/nn/noise';

describe('opening a backend', () => {
  test('auto takes the best that passes and logs why those before it were passed over', async () => {
    const lines: string[] = [];
    const opened = await openBackend('auto', { log: (line) => lines.push(line) });
    expect(lines).toEqual([
      ...opened.tried.map(({ backend, reason }) => `backend ${backend} passed over: ${reason}`),
      `backend ${opened.name}: ${opened.device}`,
    ]);
    for (const { reason } of opened.tried) expect(reason).not.toBe('');
  });

  test('by name it is that one, and nothing else was tried', async () => {
    const opened = await openBackend('cpu');
    expect([opened.name, opened.tried]).toEqual(['cpu', []]);
  });

  test('a name or thread count that means nothing is refused', async () => {
    expect(() => parseBackendName('cuda')).toThrow('backend: "cuda" is none of auto, tensorflow, webgpu, onnx, wasm, cpu');
    await expect(openBackend('cpu', { threads: 0 })).rejects.toThrow(
      'threads: 0 is not a whole number of at least 1; leave it out for the default',
    );
  });
});

describe.each(testedBackends)('%s', (name) => {
  let backend: OpenedBackend | null;
  beforeAll(async () => {
    backend = await openForTest(name);
  });

  test('a compiled step computes what the function does, for new values and for new shapes', async ({ skip }) => {
    if (!backend) return skip(`${name} does not load here`);
    const compiled = backend.compileStep(([x, rate]) => [add(mul(x!, rate!), 1), rate!]);
    for (const values of [
      [1, 2],
      [3, 4],
      [5, 6, 7],
      [8, 9],
    ]) {
      const inputs: Tensor[] = [tensor1d(values), scalar(values[0]!)];
      const [y, rate] = compiled.run(inputs);
      expect([...(await y!.data())]).toEqual(values.map((value) => value * values[0]! + 1));
      expect([...(await rate!.data())]).toEqual([values[0]]);
      for (const tensor of [...inputs, y!, rate!]) tensor.dispose();
    }
    expect(compiled.mode).toBe(name === 'tensorflow' || name === 'onnx' ? 'graph' : 'eager');
    compiled.dispose();
  });

  test('noise is uniform, and a function of seed, site and nothing else', ({ skip }) => {
    if (!backend) return skip(`${name} does not load here`);
    const draw = (seed: [number, number], site: number) =>
      tidy(() => [...noise(tensor1d(seed, 'int32'), site, [50, 200]).dataSync()]);
    const first = draw([-5, 1234567890], 3);
    expect(draw([-5, 1234567890], 3)).toEqual(first);
    for (const other of [draw([-5, 1234567890], 4), draw([-5, 1234567891], 3), draw([-4, 1234567890], 3)]) {
      expect(correlation(first, other)).toBeLessThan(0.04); // 4 standard errors of 10,000 pairs
    }
    expect(correlation(first.slice(1), first.slice(0, -1))).toBeLessThan(0.04);
    expect(Math.min(...first)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...first)).toBeLessThan(1);
    for (let tenth = 1; tenth < 10; tenth++) {
      const share = first.filter((x) => x < tenth / 10).length / first.length;
      expect(Math.abs(share - tenth / 10)).toBeLessThan(0.02);
    }
  });

  test('a training step with dropout is recorded where the backend records', async ({ skip }) => {
    if (!backend) return skip(`${name} does not load here`);
    const modes: string[] = [];
    const compileStep: OpenedBackend['compileStep'] = (fn) => {
      const step = backend!.compileStep(fn);
      return { ...step, run: (inputs) => step.run(inputs), dispose: () => modes.push(step.mode) };
    };
    const learner = createLearner({ shape: smallReverse, seed: 1, optimizer: 'adam', backend: { compileStep } });
    await learner.step(randomBatch(smallReverse, 4, 1), { ...plainHyper, dropout: 0.1, inputDropout: 0.1 }, 0);
    learner.dispose();
    expect(modes).toEqual([name === 'cpu' ? 'eager' : 'graph']);
  });
});

function correlation(a: number[], b: number[]): number {
  const sum = a.reduce((total, x, at) => total + (x - 0.5) * (b[at]! - 0.5), 0);
  return Math.abs((12 * sum) / a.length); // the variance of a uniform number is 1/12
}
