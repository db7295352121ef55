import { expect, it } from 'vitest';
import { findMistakes } from '~/trainer/run/mistakes';
import type { Batch, Learner, ModelShape, Task } from '~/trainer/types';

/** Answers with the logits that the inputs are. */
const echo = (shape: Partial<ModelShape>): Learner =>
  ({ shape, attend: async (batch: Batch) => ({ logits: Float32Array.from(batch.inputs) }) }) as unknown as Learner;

const shape = { output: 'set', seqLen: 3, outputDim: 1 } as const;
/** Set n is answered with place n % 3. */
const batch = (labels: number[]): Batch => ({
  size: labels.length,
  inputs: Float32Array.from({ length: labels.length * 3 }, (_, i) => (i % 3 === Math.floor(i / 3) % 3 ? 1 : 0)),
  labels: Int32Array.from(labels),
});

const notation: Task['notation'] = (split, examples) => [split, ...examples.map((e) => e.number)].join(' ');
const sequences: Task['notation'] = (_split, examples) => examples.map((e) => e.inputs.join(' ')).join('; ');

it('names the sets that are answered wrongly, as probe examples are given, over batches and up to the number asked for', async () => {
  // Places answered: 0 1 2 | 0 1 2; labels differ at sets 1, 3 and 5, of which the last is not looked at.
  const task = { notation, evaluationBatches: () => [batch([0, 2, 2]), batch([1, 1, 0])] };
  expect(await findMistakes(echo(shape), task, 'test', 5)).toEqual({
    summary: { examples: 5, mistakes: 2, accuracy: 3 / 5, 'mistake.0': 1, 'mistake.1': 3 },
    message: '2 of 5 test examples are wrong. As probe examples: test 1 3',
  });
  expect((await findMistakes(echo(shape), { notation, evaluationBatches: () => [batch([0, 1])] }, 'validation', 9)).message).toBe(
    'none of 2 validation examples is wrong',
  );
});

it('writes out sequences for tasks with an answer per position, and only whole ones', async () => {
  const perPosition = { output: 'position', seqLen: 1, outputDim: 2 } as const;
  const wrong: Batch = { size: 400, inputs: new Float32Array(400), labels: new Int32Array(400).fill(1) };
  const learner = { shape: perPosition, attend: async () => ({ logits: new Float32Array(800) }) } as unknown as Learner;
  const { summary, message } = await findMistakes(
    learner,
    { notation: sequences, evaluationBatches: () => [wrong] },
    'test',
    400,
  );
  expect([summary.mistakes, summary['mistake.63'], summary['mistake.64']]).toEqual([400, 63, undefined]);
  expect(message).toBe(`400 of 400 test examples are wrong. As probe examples: ${Array(64).fill('0').join('; ')}`);
});
