import type { AxisLabels } from '~/shared/snapshotFile';
import type { Probe, Task } from '~/trainer/types';

/**
 * The task's probe.
 * @throws the task's error for examples that it cannot read; RangeError when its description does not fit its examples, so that no page could show them
 */
export function probeOf(task: Task, size: number, chosen: string | null): Probe {
  const probe = task.probe(size, chosen);
  const { batch, describe, pictures } = probe;
  const count = pictures ? pictures.data.length / (3 * pictures.side ** 2) : 0;
  const fail = (what: string) => {
    throw new RangeError(`probe of the recipe: ${what}`);
  };
  if (!(batch.size >= 1)) fail(`the batch has ${batch.size} examples; give one at least`);
  if (describe.examples.length !== batch.size)
    fail(`describe.examples has ${describe.examples.length} entries, the batch ${batch.size} examples`);
  if (!Number.isInteger(count))
    fail(`pictures.data has ${pictures?.data.length} numbers, no multiple of ${pictures?.side} x ${pictures?.side} x 3`);
  for (const [at, { labels }] of describe.examples.entries()) {
    const name = `describe.examples[${at}].labels`;
    const { seqLen } = task.shape;
    if (labels.items.length !== seqLen) fail(`${name} has ${labels.items.length} items, an example ${seqLen} positions`);
    const outside = pictureOutside(labels, count);
    if (outside !== undefined) fail(`${name} names picture ${outside}; there are ${count}, from 0`);
  }
  return probe;
}

const pictureOutside = ({ kind, items }: AxisLabels, count: number): number | undefined =>
  kind === 'pictures' ? items.find((item) => !(item >= 0 && item < count)) : undefined;
