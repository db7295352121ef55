/** What a recipe's task must keep to, so that an error of its author is said when the run begins. */
import type { AxisLabels } from '~/shared/snapshotFile';
import { split as splits } from '~/trainer/base/splits';
import type { ParamSpec, Probe, Task } from '~/trainer/types';
import { mainOf } from './metrics';
import { columnsOf } from './rows';

/** @throws RangeError naming the field of the task, or the setting, and the rule */
export function checkSizes({ sizes }: Task, batchSize: number): void {
  for (const split of splits.options)
    if (!(Number.isSafeInteger(sizes[split]) && sizes[split] >= 1))
      throw new RangeError(`sizes.${split} of the recipe: ${sizes[split]} is not a whole number of at least 1`);
  if (batchSize > sizes.train) throw new RangeError(`batchSize: ${batchSize} exceeds the training set (${sizes.train})`);
}

/** @throws RangeError naming the number that another has the name of, or the main metric that is not there */
export function checkNumbers(task: Task, params: readonly ParamSpec[]): void {
  const names = columnsOf(params, task).map((series) => series.name);
  const twice = names.find((name, at) => names.indexOf(name) < at);
  if (twice !== undefined) throw new RangeError(`derived of the recipe: there are two numbers "${twice}"; give one another name`);
  mainOf(task, { loss: 0, accuracy: 0 });
}

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
    fail(`describe.examples has length ${describe.examples.length}, the batch size ${batch.size}`);
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
