import { beforeAll, describe, expect, it } from 'vitest';
import { randomBatch, smallReverse, smallSet } from '~/test/support/examples';
import { numbers, ofType, record, resumeFrom, Script, smallConfig } from '~/test/support/trainRun';
import { type OpenedBackend, openBackend } from '~/trainer/backends';
import { createLearner, type LearnerOptions } from '~/trainer/nn/learner';
import { ablate, parseHeads, permutationCheck } from '~/trainer/run/analyses';
import type { Learner, ModelShape } from '~/trainer/types';

let backend: OpenedBackend;
beforeAll(async () => {
  backend = await openBackend('cpu');
});

async function withLearner<T>(shape: ModelShape, use: (learner: Learner) => Promise<T>): Promise<T> {
  const learner = await createLearner({ shape, seed: 4, optimizer: 'adam', backend });
  try {
    return await use(learner);
  } finally {
    learner.dispose();
  }
}

/** Sets the parameters whose name `of` picks to zero. */
async function zero(learner: Learner, of: (name: string) => boolean): Promise<void> {
  const state = await learner.state();
  const params = state.params.slice();
  for (const { name, offset, size } of learner.params) if (of(name)) params.fill(0, offset, offset + size);
  learner.load({ ...state, params });
}

describe('the permutation check', () => {
  it('passes for a set model, whose output follows its items whatever their order', async () => {
    const { summary, message } = await withLearner(smallSet, (l) => permutationCheck(l, randomBatch(smallSet, 5, 1), 3));
    expect(summary).toMatchObject({ examples: 5, passed: 1, expected: 1, constantOutput: 0 });
    expect(summary.logitDifference).toBeLessThan(1e-5);
    expect(summary.mapDifference).toBeLessThan(1e-5);
    expect(message).toContain('as a model without positions must');
  });

  it('fails once positions are added, and says whether that was to be expected', async () => {
    const positional = await withLearner({ ...smallSet, positional: true }, (l) =>
      permutationCheck(l, randomBatch(smallSet, 5, 1), 3),
    );
    expect(positional.summary).toMatchObject({ passed: 0, expected: 0 });
    expect(positional.summary.logitDifference).toBeGreaterThan(1e-3);
    const reverse = await withLearner(smallReverse, (l) => permutationCheck(l, randomBatch(smallReverse, 5, 1), 3));
    expect(reverse.message).toContain('as expected: this model has positions');
  });

  it('a model whose outputs do not vary passes nothing: it says so', async () => {
    const { summary, message } = await withLearner(smallSet, async (learner) => {
      await zero(learner, (name) => name.startsWith('output_net'));
      return permutationCheck(learner, randomBatch(smallSet, 5, 1), 3);
    });
    expect(summary).toMatchObject({ constantOutput: 1, outputVariation: 0, logitDifference: 0 });
    expect(message).toContain('do not vary');
  });
});

describe('switching heads off', () => {
  it('every head alone: zero and mean, against the loss of the learner with that head off', async () => {
    const shape = { ...smallReverse, layers: 2, heads: 2 };
    await withLearner(shape, async (learner) => {
      const batch = randomBatch(shape, 6, 2);
      const { summary } = await ablate(learner, batch, null);
      const whole = await learner.attend(batch);
      for (const how of ['zero', 'mean'] as const)
        for (const [layer, head] of [
          [0, 0],
          [0, 1],
          [1, 0],
          [1, 1],
        ] as const) {
          const off = await learner.attend(batch, [{ layer, head, how }]);
          expect(summary[`${how}.${layer}.${head}`]).toBe(off.loss - whole.loss);
        }
      expect((await learner.attend(batch)).loss).toBe(whole.loss);
    });
  });

  it('a head that says nothing is worth nothing either way; one that says the same everywhere costs only by zero', async () => {
    const shape = { ...smallReverse, layers: 1, heads: 1 };
    await withLearner(shape, async (learner) => {
      const batch = randomBatch(shape, 6, 2);
      // Values become their bias alone: the head says that bias whatever it looks at.
      const state = await learner.state();
      const params = state.params.slice();
      const { modelDim } = shape;
      const place = (name: string) => learner.params.find((p) => p.name.endsWith(name))!;
      const [weight, bias] = [place('qkv_proj.weight'), place('qkv_proj.bias')];
      params.fill(0, weight.offset + 2 * modelDim * modelDim, weight.offset + 3 * modelDim * modelDim);
      params.fill(1.5, bias.offset + 2 * modelDim, bias.offset + 3 * modelDim);
      learner.load({ ...state, params });
      const { summary } = await ablate(learner, batch, [{ layer: 0, head: 0 }]);
      expect(Math.abs(summary.mean!)).toBeLessThan(1e-6);
      expect(Math.abs(summary.zero!)).toBeGreaterThan(1e-3);
      expect(summary.meanChanged).toBe(0);
    });
  });

  it('heads are named as people count them; anything else is refused with what would fit', () => {
    const shape = { layers: 2, heads: 4 };
    expect(parseHeads('all', shape)).toBeNull();
    expect(parseHeads(' 1.1, 2.4 2.4', shape)).toEqual([
      { layer: 0, head: 0 },
      { layer: 1, head: 3 },
    ]);
    for (const bad of ['', '0.1', '3.1', '1.5', '1', 'all 1.1', '1.1.1', 'x'])
      expect(parseHeads(bad, shape), bad).toMatch(/^heads: .*give "all" or heads as LAYER.HEAD from 1\.1 to 2\.4/);
  });
});

describe('in a run', () => {
  it('the answer is an analysis of that step, and all that follows is as in a run that was not asked', async () => {
    const script = new Script([
      [3, { action: 'ablateHeads' }],
      [5, { action: 'permutationCheck', args: { seed: 9 } }],
      [6, { action: 'ablateHeads', args: { heads: '7.7' } }],
    ]);
    const createReal = (options: LearnerOptions) => createLearner({ ...options, backend });
    const asked = await record({ script, createLearner: createReal });
    const quiet = await record({ createLearner: createReal });
    expect(numbers(asked)).toEqual(numbers(quiet));
    expect(ofType(asked, 'analysis')).toEqual([
      {
        type: 'analysis',
        step: 3,
        kind: 'ablateHeads',
        commandId: 'command-1',
        summary: {
          examples: 12,
          loss: expect.any(Number),
          accuracy: expect.any(Number),
          'zero.0.0': expect.any(Number),
          'mean.0.0': expect.any(Number),
        },
        message: expect.stringContaining('layer 1 head 1 is worth most'),
        blob: null,
      },
      expect.objectContaining({
        step: 5,
        kind: 'permutationCheck',
        commandId: 'command-2',
        summary: expect.objectContaining({ examples: 2, expected: 0 }),
      }),
    ]);
    expect(ofType(asked, 'command.refused')).toMatchObject([
      { commandId: 'command-3', step: 6, reason: 'invalid', message: expect.stringContaining('"7.7" does not fit') },
    ]);
  });

  it('is answered one forward pass at a time: commands are heard in between, and a checkpoint then holds what is still asked', async () => {
    const createReal = (options: LearnerOptions) => createLearner({ ...options, backend });
    /** Hands out one command a turn of the loop. */
    const script = new (class extends Script {
      override take() {
        return super.take(1);
      }
    })([
      [3, { action: 'findMistakes', args: { split: 'test', examples: 20 } }],
      [3, { action: 'ablateHeads' }],
      [3, { action: 'checkpoint' }],
      [3, { control: 'learningRate', value: 0.01 }],
    ]);
    const asked = await record({ script, createLearner: createReal, runId: 'run000' });
    const story = asked.events.flatMap((e) => {
      if (e.type === 'command.applied') return [e.commandId];
      if (e.type === 'analysis') return [`${e.kind} at ${e.step}`];
      return e.type === 'checkpoint' && e.trigger === 'command' ? ['checkpoint'] : [];
    });
    // 1 pass for the first question, 1 + 2 for the second; each has its turn.
    expect(story).toEqual([
      'command-1',
      'command-2',
      'command-3',
      'checkpoint',
      'findMistakes at 3',
      'command-4',
      'ablateHeads at 3',
    ]);
    // Whoever goes on from that checkpoint answers what was open.
    const resumed = await record({ createLearner: createReal, runId: 'run000', resume: resumeFrom(asked, 3) });
    expect(ofType(resumed, 'analysis')).toEqual(ofType(asked, 'analysis'));
  });

  it('gives each question its turn, and drops one that is canceled', async () => {
    const createReal = (options: LearnerOptions) => createLearner({ ...options, backend });
    const script = new (class extends Script {
      override take() {
        return super.take(1);
      }
    })([
      [3, { action: 'ablateHeads' }],
      [3, { action: 'findMistakes', args: { split: 'test', examples: 20 } }],
      [4, { action: 'ablateHeads' }],
      [4, { action: 'cancel', args: { commandId: 'command-3' } }],
      [4, { action: 'cancel', args: { commandId: 'command-3' } }],
    ]);
    const asked = await record({
      script,
      createLearner: createReal,
      config: smallConfig((c) => Object.assign(c.model, { heads: 4 })),
    });
    expect(ofType(asked, 'analysis').map((a) => `${a.kind} at ${a.step}`)).toEqual(['findMistakes at 3', 'ablateHeads at 3']);
    expect(ofType(asked, 'command.applied').map((a) => a.commandId)).toEqual([
      'command-1',
      'command-2',
      'command-3',
      'command-4',
    ]);
    expect(ofType(asked, 'command.refused')).toMatchObject([{ commandId: 'command-5', reason: 'state' }]);
  });

  it('an evaluation does not wait for all passes of a question, and one that has begun can be canceled', async () => {
    const createReal = (options: LearnerOptions) => createLearner({ ...options, backend });
    const script = new (class extends Script {
      override take() {
        return super.take(1);
      }
    })([
      [3, { action: 'ablateHeads' }],
      [3, { action: 'evaluate', args: { split: 'test' } }],
      [4, { action: 'evaluate', args: { split: 'test' } }],
      [4, { action: 'cancel', args: { commandId: 'command-3' } }],
      [4, { action: 'evaluate', args: { split: 'validation' } }],
    ]);
    const asked = await record({
      script,
      createLearner: createReal,
      // Evaluated 100 at a time: three slices.
      config: smallConfig((c) => Object.assign(c.task, { testSize: 300 }) && Object.assign(c.model, { heads: 8 })),
    });
    const story = asked.events.flatMap((e) => {
      if (e.type === 'analysis') return [`${e.kind} at ${e.step}`];
      return e.type === 'evaluation' && e.trigger === 'command' ? [`${e.split} set at ${e.step}`] : [];
    });
    expect(story).toEqual(['test set at 3', 'ablateHeads at 3', 'validation set at 5']);
    expect(ofType(asked, 'command.refused')).toEqual([]);
  });
});
