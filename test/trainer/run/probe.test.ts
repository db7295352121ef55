import { describe, expect, it } from 'vitest';
import { probeOf } from '~/trainer/run/probe';
import type { Probe, Task } from '~/trainer/types';

const examples = (...items: number[][]): Probe['describe']['examples'] =>
  items.map((numbers) => ({ labels: { kind: 'numbers', items: numbers } }));

/** Two examples of three positions each, as a recipe describes them. */
const good: Probe = {
  batch: { size: 2, inputs: new Int32Array(6), labels: new Int32Array(6) },
  describe: { examples: examples([1, 2, 3], [4, 5, 6]), signals: [] },
};
const said = (probe: Partial<Probe>) => {
  const task = { shape: { seqLen: 3 }, probe: () => ({ ...good, ...probe }) } as unknown as Task;
  try {
    return probeOf(task, 2, null) && null;
  } catch (error) {
    return (error as Error).message;
  }
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
      'probe of the recipe: describe.examples has 1 entries, the batch 2 examples',
      'probe of the recipe: describe.examples[1].labels has 2 items, an example 3 positions',
      'probe of the recipe: describe.examples[0].labels names picture 2; there are 2, from 0',
      'probe of the recipe: describe.examples[0].labels names picture 0; there are 0, from 0',
      'probe of the recipe: pictures.data has 13 numbers, no multiple of 2 x 2 x 3',
    ]);
  });
});
