/** Whatever is asked while a run trains, of it or of a checkpoint of another: its next 100 losses are those of a run that nobody asked anything, bit for bit. */
import { memory } from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import type { Question, QuestionAnswer } from '~/shared/protocol';
import { openForTest } from '~/test/support/backends';
import { publishedConfig, publishedSetup } from '~/test/support/setups';
import { type Draft, numbers, ofType, type Recording, record, Script } from '~/test/support/trainRun';
import type { RunConfig } from '~/trainer/base/config';
import { hashOf } from '~/trainer/base/hash';
import { createLearner } from '~/trainer/nn/learner';
import { RecipeBook } from '~/trainer/recipes/book';
import { CheckpointQueries } from '~/trainer/run/checkpointQueries';
import { questions } from '~/trainer/run/questions';

/** 160 steps in 4 epochs, with both dropouts and four heads in two layers. */
function config(recipe: 'reverse' | 'anomaly'): RunConfig {
  const base = publishedConfig(recipe);
  if (recipe === 'reverse')
    Object.assign(base.task, { seqLen: 6, numClasses: 5, trainSize: 320, validationSize: 40, testSize: 40 });
  Object.assign(base.model, { layers: 2, heads: 2, modelDim: 8, dropout: 0.1, inputDropout: 0.1 });
  return { ...base, batchSize: 8, epochs: 4, snapshotEverySteps: 50, checkpointEverySteps: 20, probeSize: 4 };
}

const asked: Draft[] = [
  ...(['train', 'validation', 'test'] as const).map((split) => ({ action: 'evaluate', args: { split } })),
  { action: 'snapshot' },
  { action: 'checkpoint' },
  { action: 'ablateHeads', args: { heads: 'all' } },
  { action: 'ablateHeads', args: { heads: '1.2, 2.1' } },
  { action: 'permutationCheck', args: { seed: 3 } },
  { action: 'findMistakes', args: { split: 'test', examples: 40 } },
];

const question = (of: Recording, c: RunConfig, step: number, action: string, args: Question['args'] = {}): Question => {
  const blob = ofType(of, 'checkpoint').find((e) => e.step === step)!.blob;
  return {
    ticket: `${action} ${step}`,
    runId: 'run000',
    commandId: 'command-1',
    setup: publishedSetup('reverse', c),
    action,
    args,
    step,
    blob,
  };
};

function checkpointQueries(backend: NonNullable<Awaited<ReturnType<typeof openForTest>>>, of: Recording) {
  const answers: QuestionAnswer[] = [];
  const progress: number[] = [];
  let heard = () => {};
  const self = new CheckpointQueries({
    backend: () => backend,
    recipes: new RecipeBook(),
    dataFolder: 'unused',
    bytes: async (hash) => of.blobs.get(hash)!,
    report: {
      progress: (p) => void progress.push(p.done),
      answer(a) {
        answers.push(a);
        heard();
      },
    },
    clock: () => progress.length * 1000,
  });
  return {
    self,
    progress,
    answers,
    async answer(q: Question): Promise<QuestionAnswer['result']> {
      const next = new Promise<void>((resolve) => {
        heard = resolve;
      });
      self.ask(q);
      await next;
      return answers.at(-1)!.result;
    },
  };
}

describe.each(['wasm', 'onnx', 'tensorflow'] as const)('%s', (name) => {
  it('each kind of question and evaluation leaves the next 100 losses as they were', { timeout: 60_000 }, async (context) => {
    const backend = await openForTest(name);
    if (!backend) return context.skip();
    expect(asked.flatMap((d) => ('action' in d ? [d.action] : []))).toEqual(
      expect.arrayContaining(questions.map((q) => q.spec.name)),
    );
    const c = config('reverse');
    const run = (script: (readonly [number, Draft])[], extra = {}) =>
      record({ config: c, backend, createLearner, script: new Script(script), ...extra });
    const quiet = await run([]);
    expect(quiet.rows.length).toBe(160);
    // Several steps apart, so that each has followers of its own.
    const busy = await run(asked.map((d, i) => [10 + 5 * i, d] as const));
    expect(numbers(busy)).toEqual(numbers(quiet));
    expect(ofType(busy, 'analysis').map((a) => [a.step, a.kind])).toEqual([
      [35, 'ablateHeads'],
      [40, 'ablateHeads'],
      [45, 'permutationCheck'],
      [50, 'findMistakes'],
    ]);
    expect(ofType(busy, 'evaluation').filter((e) => e.trigger === 'command').length).toBe(3);

    // Another run trains while questions about checkpoints of the first are answered between its steps.
    const { self, answers, progress } = checkpointQueries(backend, quiet);
    const waiting = [
      question(quiet, c, 40, 'ablateHeads', { heads: 'all' }),
      question(quiet, c, 40, 'permutationCheck'),
      question(quiet, c, 80, 'findMistakes', { split: 'test', examples: 40 }),
    ];
    const other = { ...c, seed: 7 };
    const alone = await record({ config: other, backend, createLearner });
    let given = 0;
    const beside = await record({
      config: other,
      backend,
      turns: self.turns,
      createLearner: (options) => {
        const learner = createLearner(options);
        const step = learner.step.bind(learner);
        learner.step = (batch, hyper, at) => {
          if (at >= 20 && answers.length === given && waiting[given]) self.ask(waiting[given++]!);
          return step(batch, hyper, at);
        };
        return learner;
      },
    });
    expect(numbers(beside)).toEqual(numbers(alone));
    expect(answers.map((a) => [a.ticket, a.result.ok])).toEqual(waiting.map((q) => [q.ticket, true]));
    // One forward pass a turn: 1 + 2 x 4 of them for the first.
    expect(progress.length).toBeGreaterThan(9);
  });

  it('a checkpoint answers what the run answered at its step, number by number', { timeout: 60_000 }, async (context) => {
    const backend = await openForTest(name);
    if (!backend) return context.skip();
    const c = config('reverse');
    const examples = '0 1 2 3 4 0; 4 4 4 4 4 4';
    const live = await record({
      config: c,
      backend,
      createLearner,
      script: new Script([
        [30, { control: 'probeExamples', value: examples }],
        [40, { action: 'ablateHeads', args: { heads: 'all' } }],
        [40, { action: 'ablateHeads', args: { heads: '1.2, 2.1' } }],
        [40, { action: 'permutationCheck', args: { seed: 3 } }],
        [40, { action: 'findMistakes', args: { split: 'test', examples: 40 } }],
      ]),
    });
    const { self, answer } = checkpointQueries(backend, live);
    self.turns.free();
    // In the order of asking: each question has its turns, so a short one is answered first.
    const reported = ofType(live, 'analysis').toSorted((a, b) => (a.commandId! < b.commandId! ? -1 : 1));
    const again = [
      await answer(question(live, c, 40, 'ablateHeads')),
      await answer(question(live, c, 40, 'ablateHeads', { heads: '1.2, 2.1' })),
      await answer(question(live, c, 40, 'permutationCheck', { seed: 3 })),
      await answer(question(live, c, 40, 'findMistakes', { split: 'test', examples: 40 })),
    ];
    expect(again).toEqual(reported.map(({ summary, message }) => ({ ok: true, backend: name, summary, message })));
    expect(reported[2]!.summary).toMatchObject({ examples: 2, expected: 0, passed: 0 });
  });
});

describe('a question that cannot be answered', () => {
  it('says what is wrong, and leaves nothing behind', async () => {
    const backend = (await openForTest('cpu'))!;
    const c = config('reverse');
    const of = await record({ config: c, backend, createLearner, until: (e) => e.type === 'checkpoint' && e.step === 20 });
    const good = question(of, c, 20, 'ablateHeads');
    const { self, answer, answers } = checkpointQueries(backend, of);
    self.turns.free();
    const tensors = memory().numTensors;
    expect(await answer({ ...good, action: 'guess' })).toEqual({
      ok: false,
      reason: 'invalid',
      message: 'this trainer cannot answer "guess"',
    });
    expect(await answer({ ...good, args: { heads: '7.7' } })).toMatchObject({
      reason: 'invalid',
      message: expect.stringContaining('"7.7" does not fit'),
    });
    expect(await answer({ ...good, args: { head: 'all' } })).toMatchObject({
      message: 'ablateHeads takes heads, not "head"',
    });
    expect(await answer({ ...good, step: 21 })).toMatchObject({
      reason: 'invalid',
      message: 'the checkpoint is of step 20, the run is to go on from step 21',
    });
    const broken = of.blobs.get(good.blob.hash)!.slice(0, 500);
    of.blobs.set(hashOf(broken), broken);
    expect(await answer({ ...good, blob: { hash: hashOf(broken), bytes: 500 } })).toMatchObject({ ok: false, reason: 'invalid' });
    // One that is called off is not answered; the next one is.
    const before = answers.length;
    self.ask({ ...good, ticket: 'called off' });
    self.forget('called off');
    expect(await answer({ ...good, ticket: 'the next' })).toMatchObject({ ok: true });
    expect(answers.slice(before).map((a) => a.ticket)).toEqual(['the next']);
    expect(memory().numTensors).toBe(tensors);
  });
});
