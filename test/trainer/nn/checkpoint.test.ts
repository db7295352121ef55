import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseSafetensors, serializeSafetensors, type TensorData } from '~/shared/safetensors';
import { openForTest } from '~/test/support/backends';
import { recipeNamed } from '~/test/support/setups';
import { ada, logged, ofType, record, resumeFrom, Script, smallConfig } from '~/test/support/trainRun';
import { writeFileAtomically } from '~/trainer/base/atomicFile';
import { type Checkpoint, decodeCheckpoint, describeCheckpoint, encodeCheckpoint, parametersOf } from '~/trainer/nn/checkpoint';
import { createLearner } from '~/trainer/nn/learner';
import type { ParamSpec } from '~/trainer/types';

const params: ParamSpec[] = [
  { name: 'input_net.1.weight', shape: [2, 3], offset: 0, size: 6 },
  { name: 'input_net.1.bias', shape: [2], offset: 6, size: 2 },
];
const vector = (from: number) => Float32Array.from({ length: 8 }, (_, i) => from + i);

const whole: Checkpoint = {
  runId: 'run000',
  recipe: 'reverse',
  config: smallConfig(),
  fingerprint: 'of the data',
  state: {
    step: 12,
    position: { epoch: 2, index: 16 },
    updates: 12,
    lastCommandSeq: 7,
    held: [logged(5, { control: 'dropout', value: 0.1, when: { kind: 'step', step: 20 } })],
    values: {
      learningRate: { value: 0.01, changedBy: ada, changedAtStep: 3 },
      scheduleEnd: { value: null, changedBy: null, changedAtStep: 0 },
    },
    best: { step: 10, loss: Number.POSITIVE_INFINITY, accuracy: 0.5 },
    validated: { step: 10, loss: 0.25, accuracy: 0.5 },
    newestEvaluations: { validation: { loss: Number.NaN, accuracy: 0.5 } },
    evaluationsSinceBest: 1,
    enough: 'early stop',
    notFinite: true,
    paused: true,
    stepsToPause: null,
    pending: [{ split: 'train', trigger: 'command', commandId: 'command-7' }],
    asked: [{ action: 'ablateHeads', args: { heads: 'all' }, commandId: 'command-7' }],
    samplesDue: true,
    driftSnapshotAt: 14,
    checkpointDue: 'cadence',
    ended: null,
  },
  learner: { params: vector(0), m: vector(10), v: vector(20), updates: 12 },
  best: vector(30),
  previous: { probe: '0 1 2 3', shape: [1, 1, 1, 2, 2], maps: Float32Array.of(0.5, 0.5, 1, 0) },
};

describe('a checkpoint', () => {
  it('gives back everything that was put in', () => {
    expect(decodeCheckpoint(params, encodeCheckpoint(params, whole))).toEqual(whole);
    const bare: Checkpoint = {
      ...whole,
      runId: null,
      fingerprint: null,
      state: { ...whole.state, best: null },
      learner: { params: vector(1), m: vector(2), v: null, updates: 12 },
      best: null,
      previous: null,
    };
    expect(decodeCheckpoint(params, encodeCheckpoint(params, bare))).toEqual(bare);
    expect(describeCheckpoint(encodeCheckpoint(params, whole))).toEqual({
      recipe: 'reverse',
      config: whole.config,
      step: 12,
    });
  });

  it('holds the parameters under their PyTorch names and shapes, the rest under prefixes that strict=False passes over', () => {
    const { tensors } = parseSafetensors(encodeCheckpoint(params, whole));
    expect([...tensors].map(([name, t]) => [name, t.shape, t.data[0]])).toEqual([
      ['input_net.1.weight', [2, 3], 0],
      ['input_net.1.bias', [2], 6],
      ['optimizer.m.input_net.1.weight', [2, 3], 10],
      ['optimizer.m.input_net.1.bias', [2], 16],
      ['optimizer.v.input_net.1.weight', [2, 3], 20],
      ['optimizer.v.input_net.1.bias', [2], 26],
      ['best.input_net.1.weight', [2, 3], 30],
      ['best.input_net.1.bias', [2], 36],
      ['previous.attention', [1, 1, 1, 2, 2], 0.5],
    ]);
  });

  it('keeps no second copy of the best parameters when they are its own', () => {
    const best = { ...whole, state: { ...whole.state, best: { step: 12, loss: 1, accuracy: 0.5 } }, best: vector(0) };
    const bytes = encodeCheckpoint(params, best);
    expect([...parseSafetensors(bytes).tensors.keys()].filter((name) => name.startsWith('best.'))).toEqual([]);
    expect(decodeCheckpoint(params, bytes)).toEqual(best);
  });

  it('is the same bytes for the same state', () => {
    expect(encodeCheckpoint(params, structuredClone(whole))).toEqual(encodeCheckpoint(params, whole));
  });

  it('that is cut off anywhere or has a broken header is refused with a reason', () => {
    const bytes = encodeCheckpoint(params, whole);
    for (let length = 0; length < bytes.length; length += 97)
      expect(() => decodeCheckpoint(params, bytes.subarray(0, length))).toThrow(/^(not a safetensors file|truncated)/);
    const broken = bytes.slice();
    broken[20] = 0;
    expect(() => decodeCheckpoint(params, broken)).toThrow(/^not a safetensors file, or corrupt/);
  });

  type Tensors = Record<string, { shape: number[]; data: TensorData }>;
  /** The whole checkpoint with its tensors or metadata changed. */
  const changed = (change: (tensors: Tensors, metadata: Record<string, string>) => void) => {
    const { tensors, metadata } = parseSafetensors(encodeCheckpoint(params, whole));
    const list: Tensors = Object.fromEntries(tensors);
    change(list, metadata);
    return serializeSafetensors(Object.entries(list), metadata);
  };
  const weight = 'input_net.1.weight';

  it.each<[string, (t: Tensors, m: Record<string, string>) => void, string]>([
    [
      'a file of parameters alone',
      (_, m) => void delete m.format,
      'not a checkpoint of Headroom: its metadata has no format "headroom-checkpoint". A file of parameters alone can start a run, not resume one',
    ],
    [
      'a later version',
      (_, m) => {
        m.version = '3';
      },
      'checkpoint version 3: this trainer reads versions 1 and 2; update Headroom to use it',
    ],
    ['no config', (_, m) => void delete m.config, 'corrupt checkpoint: its metadata has no "config"'],
    [
      'a state that is no JSON',
      (_, m) => {
        m.state = '{';
      },
      'corrupt checkpoint: "state" in its metadata is not JSON',
    ],
    [
      'a config that is none',
      (_, m) => {
        m.config = m.config!.replace('"seed":42', '"seed":-1');
      },
      'corrupt checkpoint: config.seed: give a number >= 0, not -1',
    ],
    ['a missing tensor', (t) => void delete t[weight], `the file lacks "${weight}" of the run's network`],
    [
      'another shape',
      (t) => {
        t[weight]!.shape = [3, 2];
      },
      `tensor "${weight}": the file has shape [3, 2], the run's network [2, 3]`,
    ],
    [
      'integers for numbers',
      (t) => {
        t[weight]!.data = new Int32Array(6);
      },
      `tensor "${weight}": dtype I32 is no floating-point number`,
    ],
    [
      'a tensor of another network',
      (t) => {
        t['transformer.layers.0.norm1.bias'] = { shape: [1], data: new Float32Array(1) };
      },
      'the file holds "transformer.layers.0.norm1.bias", which the run\'s network has not',
    ],
    [
      'lost best parameters',
      (t) => {
        for (const name of Object.keys(t)) if (name.startsWith('best.')) delete t[name];
      },
      'corrupt checkpoint: the parameters of the best step 10 are missing',
    ],
  ])('with %s is refused with a reason', (_name, change, message) => {
    expect(() => decodeCheckpoint(params, changed(change))).toThrow(
      expect.objectContaining({ name: 'CheckpointError', message }),
    );
  });
});

describe('parameters to start from', () => {
  const dict = (entries: Tensors) => serializeSafetensors(Object.entries(entries));
  type Tensors = Record<string, { shape: number[]; data: TensorData }>;
  const good: Tensors = {
    'input_net.1.bias': { shape: [2], data: Float64Array.of(6, 7) },
    'input_net.1.weight': { shape: [2, 3], data: Float32Array.of(0, 1, 2, 3, 4, 5) },
  };

  it('come from a state dict that PyTorch saved, in any order and floating-point type, or from a checkpoint', () => {
    expect(parametersOf(params, dict(good))).toEqual(vector(0));
    expect(parametersOf(params, encodeCheckpoint(params, whole))).toEqual(vector(0));
  });

  it('are refused by the names that are missing, foreign or of another shape', () => {
    const lacking = { 'input_net.1.bias': good['input_net.1.bias']! };
    expect(() => parametersOf(params, dict(lacking))).toThrow(
      /^startFrom: the file lacks "input_net.1.weight" of the run's network; give a safetensors file of a network with the same layers and sizes$/,
    );
    expect(() => parametersOf(params, dict({}))).toThrow(
      'the file lacks "input_net.1.weight", "input_net.1.bias" of the run\'s network',
    );
    const foreign = { ...good, 'optimizer.m.x': { shape: [1], data: new Float32Array(1) } };
    expect(() => parametersOf(params, dict(foreign))).toThrow('the file holds "optimizer.m.x", which the run\'s network has not');
    const flat = { ...good, 'input_net.1.weight': { shape: [6], data: new Float32Array(6) } };
    expect(() => parametersOf(params, dict(flat))).toThrow(
      'tensor "input_net.1.weight": the file has shape [6], the run\'s network [2, 3]',
    );
  });

  it('that PyTorch trained and saved are understood: a run that starts from them reverses from its first step', async () => {
    // By test/fixtures/reference.py: a state dict of its Predictor, model_dim 16, 5 classes, trained on sequences of 6.
    const startFrom = readFileSync(new URL('../../fixtures/torch-state-dict.safetensors', import.meta.url));
    const config = smallConfig((c) => {
      Object.assign(c.task, { seqLen: 6, testSize: 100 });
      c.model.modelDim = 16;
    });
    const backend = (await openForTest('wasm'))!;
    const script = new Script([
      [0, { action: 'evaluate' }],
      [0, { action: 'stop' }],
    ]);
    const run = await record({ config, backend, startFrom, script, createLearner });
    expect(ofType(run, 'evaluation')).toMatchObject([
      {
        step: 0,
        split: 'test',
        examples: 100,
        metrics: expect.arrayContaining([expect.objectContaining({ name: 'accuracy', value: 1 })]),
      },
    ]);
  });

  it('are the first parameters of the run', async () => {
    const first = await record({ until: (e) => e.type === 'evaluation' });
    const { checkpoint } = resumeFrom(first, 0);
    const start = ofType(first, 'checkpoint')[0]!.blob.hash;
    const second = await record({
      startFrom: checkpoint,
      config: smallConfig((c) => Object.assign(c, { startFrom: start, seed: 9 })),
    });
    const { tensors } = parseSafetensors(resumeFrom(second, 0).checkpoint);
    expect(tensors.get('a.weight')).toEqual(parseSafetensors(checkpoint).tensors.get('a.weight'));
  });
});

describe('going on from a checkpoint', () => {
  it('is refused for another network, task or step, naming the field, and nothing is trained', async () => {
    const run = await record({ until: (e) => e.type === 'checkpoint' && e.step === 5 });
    const resume = resumeFrom(run, 5);
    const failure = async (change: (c: ReturnType<typeof smallConfig>) => void, step = 5) => {
      const { events } = await record({ config: smallConfig(change), resume: { ...resume, step } });
      expect(events).toHaveLength(1);
      return events[0];
    };
    const failed = (message: string, step = 5) => ({ type: 'status', status: 'failed', step, message });
    expect(await failure((c) => Object.assign(c.model, { heads: 2 }))).toEqual(
      failed('model.heads: the checkpoint has 1, the run 2; they must be the same to go on from it'),
    );
    expect(await failure((c) => Object.assign(c.optimizer, { kind: 'sgd' }))).toEqual(
      failed('optimizer.kind: the checkpoint has "adam", the run "sgd"; they must be the same to go on from it'),
    );
    expect(await failure((c) => Object.assign(c.task, { numClasses: 7 }))).toEqual(
      failed(
        `task.numClasses: the checkpoint has ${smallConfig().task.numClasses}, the run 7; they must be the same to go on from it`,
      ),
    );
    expect(await failure(() => {}, 6)).toEqual(failed('the checkpoint is of step 5, the run is to go on from step 6', 6));
    const torn = { ...resume, checkpoint: resume.checkpoint.slice(0, -1) };
    expect((await record({ resume: torn })).events).toEqual([
      expect.objectContaining({ status: 'failed', message: expect.stringMatching(/^truncated/) }),
    ]);
  });
});

describe('a checkpoint of version 0.1', () => {
  // Both files are of one run that program version 0.1 trained on wasm: reverse, 4 numbers of 5, learned embedding, dropout, 60 steps; of step 20 and of the end.
  const of = (step: number) => readFileSync(new URL(`../../fixtures/checkpoint01-${step}.safetensors`, import.meta.url));

  it('says of which recipe it is, and its config is one of today', () => {
    const { recipe, config, step } = describeCheckpoint(of(20));
    expect([recipe, step]).toEqual(['reverse', 20]);
    expect(recipeNamed('reverse').parse(config)).toEqual(config);
    expect(config.task).toMatchObject({ seqLen: 4, numClasses: 5, embedding: 'learned' });
  });

  // The kernels have changed since (order of additions, FMA): a rounding of 6e-8 per operation, 40 updates later. The gradient of a key's bias is 0
  // but for rounding, which Adam turns into steps of up to the learning rate, 5e-4.
  it('is gone on from to the parameters and moments that 0.1 came to itself, but for rounding', async () => {
    const { config, step } = describeCheckpoint(of(20));
    const resume = { checkpoint: of(20), step, replay: [] };
    const run = await record({ config, backend: (await openForTest('wasm'))!, createLearner, runId: 'run000', resume });
    expect(ofType(run, 'status').at(-1)).toMatchObject({ status: 'finished', step: 60 });
    const ours = parseSafetensors(run.blobs.get(ofType(run, 'checkpoint').at(-1)!.blob.hash)!);
    const theirs = parseSafetensors(of(60));
    expect([...ours.tensors.keys()]).toEqual([...theirs.tensors.keys()]);
    for (const [name, { shape, data }] of theirs.tensors) {
      const tensor = ours.tensors.get(name)!;
      expect(tensor.shape).toEqual(shape);
      const [was, is] = [Array.from(data, Number), Array.from(tensor.data, Number)];
      const most = name.endsWith('qkv_proj.bias') ? 5e-4 : 1e-6 * Math.max(...was.map(Math.abs));
      const apart = was.map((value, at) => Math.abs(value - is[at]!));
      expect(Math.max(...apart), name).toBeLessThanOrEqual(most);
    }
    const state = (metadata: Record<string, string>) =>
      JSON.parse(metadata.state!, (key, value) => (key === 'loss' ? Number(value.toFixed(5)) : value));
    const { validated, ...saved } = state(ours.metadata);
    const { validated: accuracyOnly, ...was } = state(theirs.metadata);
    expect(saved).toEqual({ ...was, samplesDue: false, enough: null });
    expect(validated).toEqual({ ...accuracyOnly, loss: validated.loss });
  });

  it('with an evaluation that was still to come is upgraded: its occasion is a trigger now', () => {
    const { tensors, metadata } = parseSafetensors(of(20));
    const state = { ...JSON.parse(metadata.state!), pending: [{ split: 'test', occasion: 'command', commandId: 'command-1' }] };
    const bytes = serializeSafetensors(tensors, { ...metadata, state: JSON.stringify(state) });
    const specs = [...tensors].flatMap(([name, { shape, data }]) =>
      /^(optimizer|best|previous)\./.test(name) ? [] : [{ name, shape, size: data.length }],
    );
    let offset = 0;
    const params = specs.map((spec) => {
      offset += spec.size;
      return { ...spec, offset: offset - spec.size };
    });
    expect(decodeCheckpoint(params, bytes).state.pending).toEqual([
      { split: 'test', trigger: 'command', commandId: 'command-1' },
    ]);
  });
});

describe('writing a file atomically', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'headroom-'));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  it('replaces the file whole and leaves nothing else', async () => {
    const path = join(folder, 'a.safetensors');
    writeFileSync(path, 'old');
    await writeFileAtomically(path, Buffer.from('new'));
    expect(readFileSync(path, 'utf8')).toBe('new');
    expect(readdirSync(folder)).toEqual(['a.safetensors']);
  });

  it('leaves the old file and no temporary one when it cannot', async () => {
    const path = join(folder, 'b');
    await expect(writeFileAtomically(join(path, 'c'), Buffer.from('new'))).rejects.toThrow('ENOENT');
    await writeFileAtomically(path, Buffer.from('old'));
    await expect(writeFileAtomically(`${path}/`, Buffer.from('new'))).rejects.toThrow();
    expect(readFileSync(path, 'utf8')).toBe('old');
    expect(readdirSync(folder)).toEqual(['a.safetensors', 'b']);
  });
});
