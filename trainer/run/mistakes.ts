/** Finds the evaluation examples that the current parameters get wrong, in the notation of the control `probeExamples`, so that snapshots can show them. */
import { maxProbeExamples } from '~/trainer/base/config';
import type { Split } from '~/trainer/base/splits';
import { examplesOf } from '~/trainer/nn/snapshot';
import { softmaxRows } from '~/trainer/nn/softmax';
import type { Example, Learner, Task } from '~/trainer/types';
import type { Answer } from './analyses';

export const mistakesBatch = 64;

/**
 * Checks the first `examples` of the split, in evaluation mode.
 * @returns summary: examples, mistakes, accuracy (share of examples without a mistake), and `mistake.0`, `mistake.1`, ... = numbers of the first 64 wrong ones
 */
export async function findMistakes(
  learner: Pick<Learner, 'shape' | 'attend'>,
  task: Pick<Task, 'evaluationBatches' | 'notation'>,
  split: Split,
  examples: number,
): Promise<Answer> {
  const { output, seqLen, outputDim } = learner.shape;
  const perExample = output === 'position' ? seqLen : 1;
  const width = output === 'position' ? outputDim : seqLen;
  const wrong: Example[] = [];
  let seen = 0;
  for (const batch of task.evaluationBatches(split, mistakesBatch)) {
    const size = Math.min(batch.size, examples - seen);
    if (size <= 0) break;
    const { argmax } = softmaxRows((await learner.attend(batch)).logits, width);
    const all = examplesOf(batch, learner.shape, seen);
    for (let row = 0; row < size; row++) {
      const at = row * perExample;
      const right = argmax.subarray(at, at + perExample).every((answer, i) => answer === batch.labels[at + i]);
      if (!right) wrong.push(all[row]!);
    }
    seen += size;
  }
  const first = wrong.slice(0, maxProbeExamples);
  const summary: Record<string, number> = { examples: seen, mistakes: wrong.length, accuracy: (seen - wrong.length) / seen };
  first.forEach(({ number }, i) => {
    summary[`mistake.${i}`] = number;
  });
  if (wrong.length === 0) return { summary, message: `none of ${seen} ${split} examples is wrong` };
  const lead = `${wrong.length} of ${seen} ${split} examples are wrong. As probe examples: `;
  // Only whole examples: examples that exceed the length limit are left out.
  let written = '';
  for (let count = 1; count <= first.length; count++) {
    const longer = task.notation(split, first.slice(0, count));
    if (lead.length + longer.length > 490) break;
    written = longer;
  }
  return { summary, message: lead + written };
}
