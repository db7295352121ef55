import { describe, expect, it } from 'vitest';
import { Evaluator } from '~/trainer/run/evaluator';
import { checkNumbers, checkSizes, probeOf } from '~/trainer/run/taskRules';
import type { Learner, Probe, Task } from '~/trainer/types';

const examples = (...items: number[][]): Probe['describe']['examples'] =>
  items.map((numbers) => ({ labels: { kind: 'numbers', items: numbers } }));

/** Two examples of three positions each, as a recipe describes them. */
const good: Probe = {
  batch: { size: 2, inputs: new Int32Array(6), labels: new Int32Array(6) },
  describe: { examples: examples([1, 2, 3], [4, 5, 6]), signals: [] },
};
const messageOf = (check: () => unknown): string | null => {
  try {
    check();
    return null;
  } catch (error) {
    return (error as Error).message;
  }
};
const said = (probe: Partial<Probe>) => {
  const task = { shape: { seqLen: 3 }, probe: () => ({ ...good, ...probe }) } as unknown as Task;
  return messageOf(() => probeOf(task, 2, null));
};
const pictures = (...items: number[]): Probe['describe'] => ({
  examples: [{ labels: { kind: 'pictures', items } }, ...examples([1, 2, 3])],
  signals: [],
});

describe("a recipe's probe", () => {
  it('is refused where its description does not fit its examples, and says where', () => {
    const small = { data: new Uint8Array(2 * 12), side: 2 };
    expect([
      said({}),
      said({ describe: pictures(0, 1, 1), pictures: small }),
      said({ batch: { ...good.batch, size: 0 } }),
      said({ describe: { examples: examples([1, 2, 3]), signals: [] } }),
      said({ describe: { examples: examples([1, 2, 3], [4, 5]), signals: [] } }),
      said({ describe: pictures(0, 1, 2), pictures: small }),
      said({ describe: pictures(0, 1, 1) }),
      said({ pictures: { data: new Uint8Array(13), side: 2 } }),
    ]).toEqual([
      null,
      null,
      'probe of the recipe: the batch has 0 examples; give one at least',
      'probe of the recipe: describe.examples has length 1, the batch size 2',
      'probe of the recipe: describe.examples[1].labels has 2 items, an example 3 positions',
      'probe of the recipe: describe.examples[0].labels names picture 2; there are 2, from 0',
      'probe of the recipe: describe.examples[0].labels names picture 0; there are 0, from 0',
      'probe of the recipe: pictures.data has 13 numbers, no multiple of 2 x 2 x 3',
    ]);
  });
});

describe("a recipe's task", () => {
  const derived = (...names: string[]) =>
    ({
      derived: names.map((name) => ({ name, unit: '', group: 'own', better: 'lower' as const, of: () => 1 })),
    }) as unknown as Task;

  it('has examples in every set, and at least a batch of them to train on', () => {
    const sizes = (train: number, validation: number, test: number) => ({ sizes: { train, validation, test } }) as Task;
    expect([
      messageOf(() => checkSizes(sizes(64, 1, 1), 64)),
      messageOf(() => checkSizes(sizes(64, 0, 1), 64)),
      messageOf(() => checkSizes(sizes(64, 1, 1.5), 64)),
      messageOf(() => checkSizes(sizes(63, 1, 1), 64)),
    ]).toEqual([
      null,
      'sizes.validation of the recipe: 0 is not a whole number of at least 1',
      'sizes.test of the recipe: 1.5 is not a whole number of at least 1',
      'batchSize: 64 exceeds the training set (63)',
    ]);
  });

  it('gives each of its numbers a name of its own, and names a main metric that is measured', () => {
    expect([
      messageOf(() => checkNumbers(derived('perplexity', 'bits'), [])),
      messageOf(() => checkNumbers(derived('perplexity', 'gradNorm'), [])),
      messageOf(() => checkNumbers(derived('bits', 'bits'), [])),
      messageOf(() => checkNumbers({ mainMetric: 'f1' } as Task, [])),
    ]).toEqual([
      null,
      'derived of the recipe: there are two numbers "gradNorm"; give one another name',
      'derived of the recipe: there are two numbers "bits"; give one another name',
      'mainMetric: there is no metric "f1"; there are loss, accuracy',
    ]);
  });

  it('gives as many examples to evaluate as it says', async () => {
    const task = { sizes: { validation: 5 }, evaluationBatches: () => [{ size: 4 }] } as unknown as Task;
    const learner = { evaluate: async () => ({ loss: 1, accuracy: 1, examples: 4 }) } as unknown as Learner;
    await expect(new Evaluator(task, learner, () => 0).slice('validation')).rejects.toThrow(
      'the validation set has 4 examples; its recipe says 5',
    );
  });
});
