import { createHash } from 'node:crypto';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openForTest } from '~/test/support/backends';
import { ownFolder } from '~/test/support/folder';
import { publishedConfig, recipeNamed } from '~/test/support/setups';
import { column, numbers, ofType, record, resumeFrom } from '~/test/support/trainRun';
import type { RunConfig } from '~/trainer/base/config';
import { createLearner } from '~/trainer/nn/learner';
import { builtinText } from '~/trainer/recipes/corpus/builtin';
import { corpusOf, loadCorpus } from '~/trainer/recipes/corpus/corpus';
import { parseTexts, shown, writeTexts } from '~/trainer/recipes/corpus/notation';
import { inductionSignal } from '~/trainer/recipes/corpus/signals';
import { textTask } from '~/trainer/recipes/text';
import type { Batch } from '~/trainer/types';

const own = { file: '', seqLen: 8, embedding: 'onehot', sampleEverySteps: null, sampleLength: 5 } as const;
/** 400 characters of four kinds: 360 for training, 20 for validation, 20 for the test. */
const corpus = corpusOf('abcd'.repeat(100), 'letters');
const task = textTask(7, own, corpus);
const letters = (ids: ArrayLike<number>) => Array.from(ids, (id) => corpus.characters[id]!).join('');
const rows = ({ size, inputs, labels }: Batch) =>
  Array.from({ length: size }, (_, r) => [
    letters(inputs.subarray(r * 8, r * 8 + 8)),
    letters(labels.subarray(r * 8, r * 8 + 8)),
  ]);

const folder = ownFolder();
afterAll(() => folder.remove());
const file = (name: string, content: string | Uint8Array) => {
  const path = join(folder.path, name);
  writeFileSync(path, content);
  return path;
};

describe('the text', () => {
  it('built in is the same everywhere: by digest', () => {
    const text = builtinText();
    expect([text.length, new Set(text).size]).toEqual([200_111, 57]);
    expect(createHash('sha256').update(text).digest('hex').slice(0, 16)).toBe('98fe4bf366072598');
  });

  it('of a file has its characters in code-point order, 90 % for training, 5 % for validation and for the test', async () => {
    const text = 'Zażółć gęślą jaźń 🙂\r\n'.repeat(50);
    const found = await loadCorpus(file('polish.txt', text));
    expect(found.characters.join('')).toBe('\n Zagjlóąćęłńśźż🙂');
    expect(found.title).toBe('polish.txt');
    // 20 characters a line, "\r\n" counts as one.
    expect(Object.values(found.parts).map((p) => p.length)).toEqual([900, 50, 50]);
    expect(Array.from(found.parts.train.subarray(0, 20), (id) => found.characters[id]).join('')).toBe('Zażółć gęślą jaźń 🙂\n');
  });

  it('is refused with what would fit, naming task.file', async () => {
    const failure = (path: string) => loadCorpus(path).then(String, (e: Error) => e.message);
    expect(await failure(join(folder.path, 'none.txt'))).toMatch(
      /^task\.file: ".*none\.txt" does not exist on the trainer’s machine/,
    );
    expect(await failure(file('secret', 'abc'))).toMatch(/is not known as a text: its name must end in \.txt, /);
    expect(await failure(file('latin1.txt', Uint8Array.of(0xe9, 0x20, 0xe8)))).toMatch(/is not UTF-8 text; save it as UTF-8$/);
    expect(await failure(file('one.txt', 'aaaa'))).toMatch(/one\.txt has 1 different characters; at least 2 are needed$/);
    mkdirSync(join(folder.path, '.hidden'));
    const hidden = file('.hidden/notes.txt', 'abc');
    expect(await failure(hidden)).toMatch(/is hidden, or in a hidden folder/);
    const link = join(folder.path, 'link.txt');
    symlinkSync(hidden, link);
    expect(await failure(link)).toMatch(/is hidden, or in a hidden folder/);
    mkdirSync(join(folder.path, 'folder.txt'));
    expect(await failure(join(folder.path, 'folder.txt'))).toMatch(/is not a file$/);
  });

  it('too short for the sequence length says which part is', () => {
    expect(() => textTask(1, { ...own, seqLen: 20 }, corpus)).toThrow(
      'task.file: letters is too short for a sequence length of 20: its validation part has 20 characters; give a longer text or a smaller length',
    );
  });
});

describe('examples', () => {
  it('have the character that follows as the label of each position', () => {
    for (const [inputs, labels] of rows(task.trainBatch(0, 0, 10))) {
      expect('abcd'.repeat(3)).toContain(inputs);
      expect(labels!.slice(0, 7)).toBe(inputs!.slice(1));
      expect('abcda').toContain(inputs!.at(-1)! + labels!.at(-1)!);
    }
  });

  it('of an epoch lie side by side, from a character of the epoch’s own, each once, in an order of its own', () => {
    // 360 characters, sequences of 8: 44 whole windows with the character after, one less for the shift.
    expect(task.sizes).toEqual({ train: 43, validation: 2, test: 2 });
    const numbered = textTask(
      7,
      own,
      corpusOf(Array.from({ length: 400 }, (_, i) => String.fromCodePoint(0x4e00 + i)).join(''), 'signs'),
    );
    const starts = (epoch: number) => {
      const { inputs } = numbered.trainBatch(epoch, 0, 43);
      return Array.from({ length: 43 }, (_, r) => inputs[r * 8]!);
    };
    const sorted = (list: number[]) => [...list].sort((a, b) => a - b);
    const [first, second] = [starts(0), starts(1)];
    for (const list of [first, second])
      expect(sorted(list)).toEqual(Array.from({ length: 43 }, (_, i) => sorted(list)[0]! + 8 * i));
    expect(first).not.toEqual(sorted(first));
    expect([first, second].map((list) => sorted(list)[0]! < 8)).toEqual([true, true]);
    // A place in the data is (epoch, index): any cut of the epoch gives the same.
    const { inputs } = numbered.trainBatch(1, 10, 3);
    expect([0, 8, 16].map((at) => inputs[at])).toEqual(second.slice(10, 13));
  });

  it('chance is the entropy of the characters alone', () => {
    expect(task.chanceLoss).toBeCloseTo(Math.log(4), 12);
    // 3 of 4 characters are a: -(3/4 ln 3/4 + 1/4 ln 1/4).
    const uneven = textTask(7, own, corpusOf('aaab'.repeat(100), 'uneven'));
    expect(uneven.chanceLoss).toBeCloseTo(-(0.75 * Math.log(0.75) + 0.25 * Math.log(0.25)), 12);
  });

  it('of one’s own are texts, one per line; what is written reads back', () => {
    const probe = task.probe(4, 'abca\nddddddddd');
    expect(rows(probe.batch)).toEqual([
      ['abcaaaaa', 'bcaaaaaa'],
      ['dddddddd', 'dddddddd'],
    ]);
    expect(probe.describe.examples.map((e) => e.name)).toEqual(['text 1', 'text 2']);
    const texts = ['a\nb', 'c\\n', '\td'];
    const characters = [...new Set(texts.join(''))].sort();
    const back = parseTexts(writeTexts(texts), 3, characters);
    expect(
      back.map((ids) =>
        Array.from(ids, (id) => characters[id])
          .join('')
          .replace(/\t?$/, ''),
      ),
    ).toEqual(texts.map((t) => t.padEnd(3, characters[0]!).replace(/\t?$/, '')));
    const [example] = [...task.evaluationBatches('test', 1)];
    const notation = task.notation('test', [{ number: 0, inputs: example!.inputs, labels: example!.labels }]);
    expect(rows(task.probe(1, notation).batch)).toEqual(rows(example!));
  });

  it.each([
    ['', 'probeExamples: there is no text in it; give texts of 1 to 9 characters, one per line'],
    ['abcdabcdab', 'probeExamples: text 1 has 10 characters; give texts of 1 to 9 characters, one per line'],
    [
      'ab\nax',
      'probeExamples: text 2 has the character "x", which does not occur in the file; give texts of 1 to 9 characters, one per line',
    ],
  ])('of one’s own that do not fit are refused: %j', (written, message) => {
    expect(() => task.probe(4, written)).toThrow(message);
  });

  it('show characters that nobody would see as signs', () => {
    expect([' ', '\n', '\t', '\u00a0', 'x', 'é'].map(shown)).toEqual(['␣', '⏎', '⇥', 'U+00A0', 'x', 'é']);
  });
});

it('induction is the weight on what followed the same character before', () => {
  // Text a b a b: query 2 (a) may copy from key 1 (b after a), query 3 (b) from key 2 (a after b).
  const map = Float32Array.of(1, 0, 0, 0, 0.5, 0.5, 0, 0, 0.2, 0.7, 0.1, 0, 0.1, 0.1, 0.5, 0.3);
  const at = { queries: 4, keys: 4, causal: true, example: 0, layer: 0, head: 0, previous: null };
  expect(inductionSignal([[0, 1, 0, 1]]).of(map, at)).toBeCloseTo((0.7 + 0.5) / 2, 6);
  expect(inductionSignal([[0, 1, 2, 3]]).of(map, at)).toBeNaN();
});

describe('a run', () => {
  const recipe = recipeNamed('text');
  const config = (sampleEverySteps: number | null): RunConfig => {
    const base = publishedConfig('text');
    return {
      ...base,
      task: { ...base.task, seqLen: 8, sampleEverySteps, sampleLength: 6, file: short },
      model: { layers: 1, heads: 2, modelDim: 8, dropout: 0.1, inputDropout: 0.1 },
      ...{ batchSize: 16, epochs: 1, snapshotEverySteps: 20, checkpointEverySteps: 10, evaluateEverySteps: 25, probeSize: 2 },
    };
  };
  let short: string;
  let backend: NonNullable<Awaited<ReturnType<typeof openForTest>>>;
  beforeAll(async () => {
    short = file('short.txt', builtinText().slice(0, 6000));
    backend = (await openForTest('wasm'))!;
  });
  const run = (c: RunConfig, more: object = {}) =>
    record({ recipe, config: c, backend, createLearner, runId: 'run000', ...more });

  it('has perplexity = exp(loss) beside loss and accuracy, and says what the text is', async () => {
    const whole = await run(config(null));
    const losses = column(whole, 'loss');
    expect(losses.length).toBe(42);
    expect([...column(whole, 'perplexity')]).toEqual(Array.from(losses, Math.exp));
    expect(losses.at(-1)!).toBeLessThan(losses[0]!);
    expect(ofType(whole, 'started')[0]!.data).toBe('short.txt');
    expect(ofType(whole, 'media')).toEqual([]);
  });

  it('writes texts at its cadence and at the end; they leave no trace, and are the same again after a resume', async () => {
    const [quiet, whole] = [await run(config(null)), await run(config(20))];
    expect(numbers(whole)).toEqual(numbers(quiet));
    const texts = ofType(whole, 'media').map(({ step, name, text }) => ({ step, name, text: text! }));
    expect(texts.map((t) => [t.step, t.name])).toEqual(
      [20, 40, 42].flatMap((step) => [
        [step, 'continuation, likeliest'],
        [step, 'continuation, temperature 0.8'],
      ]),
    );
    // The beginning of the validation text, eight characters of it, and six of the network's.
    const start = builtinText().slice(5400, 5408);
    for (const { text } of texts) expect([text.slice(0, 8), [...text].length]).toEqual([start, 14]);
    const resumed = await run(config(20), { resume: resumeFrom(whole, 30) });
    expect(numbers(resumed, 30)).toEqual(numbers(whole, 30));
    const again = ofType(resumed, 'media').map(({ step, name, text }) => ({ step, name, text }));
    expect(again).toEqual(texts.filter((t) => t.step > 30));
  });

  it('does not go on from a checkpoint when the text has changed', async () => {
    const whole = await run(config(null), {
      until: (e: { type: string; step?: number }) => e.type === 'checkpoint' && e.step === 10,
    });
    file('short.txt', builtinText().slice(0, 6001));
    const resumed = await run(config(null), { resume: resumeFrom(whole, 10) });
    file('short.txt', builtinText().slice(0, 6000));
    expect(ofType(resumed, 'status').at(-1)).toMatchObject({
      status: 'failed',
      message: 'the data has changed since the checkpoint; put the old file back, or start a new run from its parameters',
    });
  });
});
