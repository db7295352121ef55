import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { publishedConfig, recipeNamed } from '~/test/support/setups';
import { readFlags } from '~/trainer/data/flags';
import { configOf, helpText, parseFlags, recipeOf } from '~/trainer/headless/flags';
import { Progress, pace } from '~/trainer/headless/progress';
import { describeCheckpoint } from '~/trainer/nn/checkpoint';
import { RecipeBook } from '~/trainer/recipes/book';

const root = fileURLToPath(new URL('../../..', import.meta.url));
/** Learned to the last digit within 300 steps. */
const easy =
  '--task reverse --backend wasm --seq-len 6 --classes 5 --train-size 6400 --validation-size 100 --test-size 200 --batch 64 ' +
  '--model-dim 16 --lr 5e-3 --warmup 20 --snapshot-every 50';

interface Ended {
  code: number | null;
  signal: string | null;
  out: string;
  err: string;
}

/** `npm run train` as its own process; `onErr` sees what it has written to stderr so far. */
function cli(args: string, onErr: (text: string, child: ChildProcess) => void = () => {}): Promise<Ended> {
  const child = spawn(process.execPath, ['--import', 'tsx', 'trainer/process/cli.ts', ...args.split(' ')], { cwd: root });
  let out = '';
  let err = '';
  child.stdout.setEncoding('utf8').on('data', (text) => {
    out += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text) => {
    err += text;
    onErr(err, child);
  });
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => resolve({ code, signal, out, err }));
  });
}

const result = ({ out }: Ended) => JSON.parse(out.trimEnd().split('\n').at(-1)!);

describe('npm run train', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'headroom-'));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  it('learns to reverse and ends with validation and test accuracy and steps per second; --json is the last line', async () => {
    const ended = await cli(`${easy} --epochs 3 --json`);
    expect([ended.code, ended.err]).toEqual([0, expect.stringContaining('step 300: test accuracy 100 %')]);
    const lines = ended.out.trimEnd().split('\n');
    expect(lines).toHaveLength(5);
    expect(lines[0]).toMatch(/^validation accuracy 100 %, loss 0\.\d+ \(100 examples\)$/);
    expect(lines[1]).toMatch(/^test accuracy 100 %, loss 0\.\d+ \(200 examples\)$/);
    expect(lines[3]).toMatch(/^300 steps in [\d.]+ s: [\d.]+ steps\/s, median [\d.]+ ms on wasm \(/);
    expect(result(ended)).toMatchObject({
      status: 'finished',
      steps: 300,
      stepsHere: 300,
      validation: { accuracy: 1, examples: 100 },
      test: { accuracy: 1, examples: 200 },
      device: { backend: 'wasm', tried: [] },
    });
  });

  it('killed with -9 and resumed from --out, ends with the same checkpoint as if it had not been', async () => {
    const file = join(folder, 'killed.safetensors');
    const args = `${easy} --epochs 1 --dropout 0.1 --checkpoint-every 10 --evaluate-every 15 --json`;
    const [whole, killed] = await Promise.all([
      cli(args),
      cli(`${args} --out ${file}`, (err, child) => {
        if (err.includes('step 45: validation')) child.kill('SIGKILL');
      }),
    ]);
    expect([killed.signal, killed.out]).toEqual(['SIGKILL', '']);
    const { step } = describeCheckpoint(readFileSync(file));
    expect(step).toBeGreaterThanOrEqual(40);
    expect(step).toBeLessThan(100);
    const resumed = await cli(`--resume ${file} --out ${file} --json`);
    expect(result(resumed)).toMatchObject({ status: 'finished', steps: 100, stepsHere: 100 - step });
    const { checkpoint, validation, test, parametersStep } = result(whole);
    expect(result(resumed)).toMatchObject({ checkpoint, validation, test, parametersStep });
    // A finished run goes on when it is given more epochs.
    const longer = await cli(`--resume ${file} --epochs 2 --json`);
    expect(result(longer)).toMatchObject({ status: 'finished', steps: 200, stepsHere: 100 });
  });

  it('on Ctrl-C keeps a checkpoint, says where it stands and exits with 130', async () => {
    const file = join(folder, 'interrupted.safetensors');
    const ended = await cli(`${easy} --epochs 50 --evaluate-every 10 --out ${file} --json`, (err, child) => {
      if (err.includes('step 20: validation')) child.kill('SIGINT');
    });
    expect(ended.code).toBe(130);
    const { status, steps, message } = result(ended);
    expect([status, message]).toEqual(['stopped', `stopped by SIGINT at step ${steps}`]);
    expect(describeCheckpoint(readFileSync(file)).step).toBe(steps);
  });

  it('stops at --max-steps with a checkpoint, and goes on from it only to a later one', async () => {
    const file = join(folder, 'part.safetensors');
    const part = await cli(`${easy} --epochs 1 --max-steps 7 --out ${file} --json`);
    expect([part.code, result(part)]).toMatchObject([0, { status: 'stopped', steps: 7 }]);
    expect(describeCheckpoint(readFileSync(file)).step).toBe(7);
    expect(await cli(`--resume ${file} --max-steps 7`)).toMatchObject({
      code: 2,
      err: '--max-steps: 7 is reached; give a step after 7\n',
    });
    const rest = await cli(`--resume ${file} --max-steps 9 --json`);
    expect([rest.code, result(rest)]).toMatchObject([0, { status: 'stopped', steps: 9, stepsHere: 2 }]);
  });

  it('a run that diverges is told and fails', async () => {
    const ended = await cli(
      `${easy.replace(/ --(lr|warmup|clip|epochs) \S+/g, '')} --epochs 1 --lr 1e38 --warmup 0 --clip off --json`,
    );
    expect(ended.code).toBe(1);
    expect(ended.err).toMatch(/step \d+: (loss is NaN|gradient norm is)/);
    expect(result(ended).status).toBe('stopped');
  });

  it('answers a flag that does not fit with its name, on stderr, and exits with 2', async () => {
    expect(await cli('--task reverse --heads 3')).toEqual({
      code: 2,
      signal: null,
      out: '',
      err: '--heads: Heads: 3 does not divide Width (32); give 2 or 4, or change Width\n',
    });
    expect(() => parseFlags(['--steps', '5', '--steps=6'], {})).toThrow('--steps is given twice; give it once');
    expect(() => readFlags(['--url=a', '--url', 'b'], { url: { type: 'string' } })).toThrow('--url is given twice; give it once');
  });
});

describe('flags', () => {
  const book = new RecipeBook();
  const config = (args: string) => {
    const flags = parseFlags(args.split(' '), {});
    return configOf(flags, recipeOf(flags, null, book), null).config;
  };

  it('lay themselves over the published set-up', () => {
    const base = publishedConfig('reverse');
    expect(config('--task reverse')).toEqual(base);
    expect(config('--task=reverse --epochs 3 --lr 1e-3 --clip 2 --layers 2 --heads 4 --seed 7 --backend wasm')).toEqual({
      ...base,
      epochs: 3,
      seed: 7,
      backend: 'wasm',
      optimizer: { ...base.optimizer, learningRate: 1e-3 },
      clip: { mode: 'norm', threshold: 2 },
      model: { ...base.model, layers: 2, heads: 4 },
    });
    expect(config('--task reverse --clip off --evaluate-every epoch --early-stop never --schedule-end 100')).toMatchObject({
      clip: { mode: 'off', threshold: 5 },
      evaluateEverySteps: null,
      earlyStopPatience: null,
      schedule: { maxSteps: 100 },
    });
  });

  it('are derived from the schema: the whole path, its last part where that is unambiguous, and short names', () => {
    const base = publishedConfig('reverse');
    const seqLen = { ...base, task: { ...base.task, seqLen: 8 } };
    for (const name of ['--task.seqLen', '--seqLen', '--seq-len']) expect(config(`--recipe reverse ${name} 8`)).toEqual(seqLen);
    const sgd = { ...base, optimizer: { ...base.optimizer, kind: 'sgd' } };
    for (const name of ['--optimizer', '--optimizer.kind']) expect(config(`--recipe reverse ${name} sgd`)).toEqual(sgd);
    expect(config('--recipe reverse --schedule-end none').schedule.maxSteps).toBeNull();
    expect(config('--recipe reverse --preset quick').epochs).toBe(2);
  });

  it('are all in the help of their recipe, with title, choices, default and what null means', () => {
    const text = helpText(book, recipeNamed('anomaly'));
    expect(text).toMatch(/--set-size N +Pictures per set \(pictures\): The odd one included; default 10/);
    expect(text).toMatch(/--images WORD +Pictures: .*; one of builtin, cifar100, folder; default builtin/);
    expect(text).toMatch(/--early-stop N +.*; none = never; default none/);
    expect(text).not.toContain('--start-from N');
    expect(helpText(book, null)).toMatch(/ {2}reverse +Reverse\. /);
  });

  it('lay themselves over the config of the checkpoint that is resumed', () => {
    const base = { ...publishedConfig('reverse'), seed: 9 };
    const flags = parseFlags(['--resume', 'x', '--epochs', '4'], {});
    expect(recipeOf(flags, 'reverse', book)).toBe(recipeNamed('reverse'));
    expect(configOf(flags, recipeNamed('reverse'), base)).toEqual({
      config: { ...base, epochs: 4 },
      given: new Set(['epochs']),
    });
    expect(() => recipeOf(parseFlags(['--resume', 'x', '--task', 'anomaly'], {}), 'reverse', book)).toThrow(
      '--recipe: anomaly, but the checkpoint is of a reverse run',
    );
    expect(() => recipeOf(parseFlags(['--resume', 'x'], {}), 'juggle', book)).toThrow('--resume: there is no recipe "juggle"');
  });

  it('name the data folder, else the environment does', () => {
    const folder = (args: string[], env = {}) => parseFlags(['--task', 'reverse', ...args], env).dataFolder;
    expect([folder([]), folder([], { HEADROOM_DATA: '/a' }), folder(['--data', '/b'], { HEADROOM_DATA: '/a' })]).toEqual([
      '.headroom',
      '/a',
      '/b',
    ]);
  });

  it.each([
    ['', '"" is no flag; --help lists them'],
    ['--epochs 3', '--recipe: missing; give one of reverse, anomaly, text, or --resume FILE'],
    ['--recipe juggle', '--recipe: there is no recipe "juggle"; there are reverse, anomaly, text'],
    ['--recipe reverse --task anomaly', '--task: the same as --recipe; give one of the two'],
    ['--recipe reverse --preset huge', '--preset: reverse has no preset "huge"; it has published, quick'],
    ['--task reverse --speed 9', '--speed: there is no such flag for reverse; --help --recipe reverse lists them'],
    ['--task reverse extra', '"extra" is no flag; --help lists them'],
    ['--task reverse --lr', '--lr: a value is needed'],
    ['--task reverse --lr --json', '--lr: a value is needed'],
    ['--task reverse --json=yes', '--json: takes no value'],
    ['--task reverse --lr fast', '--lr: "fast" is not a number'],
    ['--task reverse --lr -1', '--lr: give a number > 0, not -1'],
    ['--task reverse --epochs 1.5', '--epochs: give a whole number, not 1.5'],
    ['--task reverse --clip-mode hard', '--clip-mode: give "norm", "value" or "off", not "hard"'],
    [
      '--task reverse --batch 60000',
      '--batch: Batch size: 60000 is more than Training examples (50000); give at most 50000, or change Training examples',
    ],
    ['--task reverse --set-size 5', '--set-size: there is no such flag for reverse; --help --recipe reverse lists them'],
    [
      '--task reverse --lr x --batch 0 --speed 9',
      '--lr: "x" is not a number\n--speed: there is no such flag for reverse; --help --recipe reverse lists them',
    ],
    [
      '--task reverse --lr -1 --batch 0 --seq-len 1.5',
      '--seq-len: give a whole number, not 1.5\n--batch: give a number >= 1, not 0\n--lr: give a number > 0, not -1',
    ],
    ['--task reverse --kind sgd', '--kind: there is no such flag for reverse; --help --recipe reverse lists them'],
    ['--task reverse --threads 0', '--threads: 0 is not a whole number of at least 1'],
  ])('%j is answered with the flag and the reason', (args, message) => {
    expect(() => config(args)).toThrow(expect.objectContaining({ name: 'FlagError', message }));
  });
});

describe('progress', () => {
  const started = {
    type: 'started',
    step: 0,
    lengths: { totalSteps: 10 },
    streams: [{ stream: 'steps', columns: ['loss', 'accuracy', 'stepsPerSecond'].map((role) => ({ name: `my ${role}`, role })) }],
  };
  const rows = (first: number) => ({
    type: 'rows',
    stream: 'steps',
    steps: { first, count: 1 },
    values: Float64Array.of(0.5, 0.75, 2),
  });
  const shown = (isTTY: boolean, events: [number, object][]) => {
    const out: string[] = [];
    let now = 0;
    const progress = new Progress({ isTTY, write: (text) => out.push(text) }, () => now);
    progress.show(started as never);
    for (const [at, event] of events) {
      now = at;
      progress.show(event as never);
    }
    progress.end();
    return out;
  };

  it('is one line that is drawn over on a terminal, at most ten times a second', () => {
    expect(
      shown(true, [
        [0, rows(0)],
        [50, rows(1)],
        [100, rows(4)],
      ]),
    ).toEqual([
      '\r\x1b[K[##......................] step 1/10  loss 0.5000  accuracy 75 %  2.0 steps/s, 5 s left',
      '\r\x1b[K[############............] step 5/10  loss 0.5000  accuracy 75 %  2.0 steps/s, 3 s left',
      '\r\x1b[K',
    ]);
  });

  it('tells of steps of more than ten seconds how long one takes', () => {
    expect([2, 0.1, 0.05, 0.001, 0].map(pace)).toEqual([
      '2.0 steps/s',
      '0.1 steps/s',
      '20 s per step',
      '16 min 40 s per step',
      '0.0 steps/s',
    ]);
  });

  it('is a plain line every ten seconds elsewhere, and one for what happens', () => {
    const metrics = [
      { name: 'loss', value: Number.NaN, role: 'loss' },
      { name: 'accuracy', value: 0.99999, role: 'accuracy' },
    ];
    const evaluation = { type: 'evaluation', step: 3, split: 'test', metrics, parametersStep: 2 };
    expect(
      shown(false, [
        [0, rows(0)],
        [9_000, rows(1)],
        [9_500, evaluation],
        [20_000, rows(2)],
      ]),
    ).toEqual([
      'step 1/10  loss 0.5000  accuracy 75 %  2.0 steps/s, 5 s left\n',
      'step 3: test accuracy 99.99 %, loss NaN (parameters of step 2)\n',
      'step 3/10  loss 0.5000  accuracy 75 %  2.0 steps/s, 4 s left\n',
    ]);
  });
});
