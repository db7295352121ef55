/** Flags of `npm run train`, each a field of the run's config or a word to the command itself. */
import { parseArgs } from 'node:util';
import { defaultConfig, type RunConfig, runConfig, type TaskKind } from '~/shared/config';

/** Bad flags: the message names the flag and what would fit. */
export class FlagError extends Error {
  override name = 'FlagError';
}

interface FieldFlag {
  /** Place in the config. */
  path: string;
  kind: 'number' | 'text';
  help: string;
  /** This word stands for null. */
  none?: string;
  only?: TaskKind;
}

const fields: Record<string, FieldFlag> = {
  name: { path: 'name', kind: 'text', help: 'name of the run' },
  epochs: { path: 'epochs', kind: 'number', help: 'passes over the training set' },
  batch: { path: 'batchSize', kind: 'number', help: 'examples per update' },
  seed: { path: 'seed', kind: 'number', help: 'decides everything random' },
  backend: { path: 'backend', kind: 'text', help: 'auto, tensorflow, webgpu, wasm or cpu' },
  layers: { path: 'model.layers', kind: 'number', help: 'encoder layers' },
  heads: { path: 'model.heads', kind: 'number', help: 'heads per layer' },
  'model-dim': { path: 'model.modelDim', kind: 'number', help: 'width of the network' },
  dropout: { path: 'model.dropout', kind: 'number', help: 'share dropped inside' },
  'input-dropout': { path: 'model.inputDropout', kind: 'number', help: 'share of inputs dropped' },
  optimizer: { path: 'optimizer.kind', kind: 'text', help: 'adam, adamw or sgd' },
  lr: { path: 'optimizer.learningRate', kind: 'number', help: 'learning rate before the schedule' },
  beta1: { path: 'optimizer.beta1', kind: 'number', help: "Adam's first beta" },
  beta2: { path: 'optimizer.beta2', kind: 'number', help: "Adam's second beta" },
  epsilon: { path: 'optimizer.epsilon', kind: 'number', help: "Adam's epsilon" },
  'weight-decay': { path: 'optimizer.weightDecay', kind: 'number', help: 'weight decay' },
  momentum: { path: 'optimizer.momentum', kind: 'number', help: 'momentum of sgd' },
  schedule: { path: 'schedule.kind', kind: 'text', help: 'cosine, constant or linear' },
  warmup: { path: 'schedule.warmupSteps', kind: 'number', help: 'steps of warm-up' },
  'schedule-end': { path: 'schedule.maxSteps', kind: 'number', none: 'last', help: 'step at which the rate reaches 0, or last' },
  clip: { path: 'clip.threshold', kind: 'number', help: 'clip value, or off' },
  'clip-mode': { path: 'clip.mode', kind: 'text', help: 'norm, value or off' },
  'evaluate-every': { path: 'evaluateEverySteps', kind: 'number', none: 'epoch', help: 'steps between validations, or epoch' },
  'early-stop': { path: 'earlyStopPatience', kind: 'number', none: 'never', help: 'validations without a new best, or never' },
  'snapshot-every': { path: 'snapshotEverySteps', kind: 'number', help: 'steps between snapshots' },
  'checkpoint-every': { path: 'checkpointEverySteps', kind: 'number', help: 'steps between checkpoints' },
  'probe-size': { path: 'probeSize', kind: 'number', help: 'examples in a snapshot' },
  'seq-len': { path: 'task.seqLen', kind: 'number', only: 'reverse', help: 'length of a sequence' },
  classes: { path: 'task.numClasses', kind: 'number', only: 'reverse', help: 'numbers there are' },
  embedding: { path: 'task.embedding', kind: 'text', only: 'reverse', help: 'onehot or learned' },
  'train-size': { path: 'task.trainSize', kind: 'number', only: 'reverse', help: 'training examples' },
  'validation-size': { path: 'task.validationSize', kind: 'number', only: 'reverse', help: 'validation examples' },
  'test-size': { path: 'task.testSize', kind: 'number', only: 'reverse', help: 'test examples' },
  'set-size': { path: 'task.setSize', kind: 'number', only: 'anomaly', help: 'pictures in a set' },
  images: { path: 'task.images', kind: 'text', only: 'anomaly', help: 'builtin, cifar100 or folder' },
};

const own = {
  task: { value: 'KIND', help: 'reverse or anomaly' },
  resume: { value: 'FILE', help: 'go on from a checkpoint; its config holds where no flag says otherwise' },
  'start-from': {
    value: 'FILE',
    help: 'parameters to start from: a checkpoint, or a state dict that PyTorch saved as safetensors',
  },
  out: { value: 'FILE', help: 'keep the newest checkpoint there' },
  data: { value: 'FOLDER', help: 'where pictures and features lie (HEADROOM_DATA, else .headroom)' },
  threads: { value: 'N', help: 'threads for one operation' },
  json: { value: null, help: 'one JSON object as the last line of output' },
  help: { value: null, help: 'this text' },
} as const;

export interface Flags {
  task: TaskKind | null;
  resume: string | null;
  startFrom: string | null;
  out: string | null;
  dataFolder: string;
  threads: number | null;
  json: boolean;
  help: boolean;
  /** The fields set by flags, to be laid over a config. */
  changes: { flag: string; field: FieldFlag; value: number | string | null }[];
}

export function helpText(): string {
  const line = (flag: string, help: string) => `  ${flag.padEnd(24)}${help}`;
  return [
    'npm run train -- --task reverse [flags]',
    '',
    ...Object.entries(own).map(([name, o]) => line(`--${name}${o.value ? ` ${o.value}` : ''}`, o.help)),
    '',
    ...Object.entries(fields).map(([name, f]) =>
      line(`--${name} ${f.kind === 'number' ? 'N' : 'WORD'}`, f.only ? `${f.help} (${f.only})` : f.help),
    ),
  ].join('\n');
}

/** @throws FlagError */
export function parseFlags(args: string[], env: Record<string, string | undefined>): Flags {
  const options = Object.fromEntries([
    ...Object.entries(own).map(([name, o]) => [name, { type: o.value === null ? 'boolean' : 'string' }] as const),
    ...Object.keys(fields).map((name) => [name, { type: 'string' }] as const),
  ]) as Record<string, { type: 'string' | 'boolean' }>;
  const { tokens } = parseArgs({ args, options, strict: false, tokens: true, allowPositionals: true });
  const given = new Map<string, string>();
  for (const token of tokens) {
    if (token.kind === 'option-terminator') continue;
    if (token.kind === 'positional') throw new FlagError(`${JSON.stringify(token.value)} is no flag; --help lists them`);
    const option = Object.hasOwn(options, token.name) ? options[token.name] : undefined;
    if (!option) throw new FlagError(`${token.rawName}: there is no such flag; --help lists them`);
    if (option.type === 'boolean' && token.value !== undefined) throw new FlagError(`--${token.name}: takes no value`);
    if (option.type === 'string' && (token.value === undefined || (!token.inlineValue && /^--[a-z]/.test(token.value))))
      throw new FlagError(`--${token.name}: a value is needed`);
    given.set(token.name, token.value ?? '');
  }
  const text = (name: keyof typeof own) => given.get(name) ?? null;
  const task = text('task');
  if (task !== null && task !== 'reverse' && task !== 'anomaly')
    throw new FlagError(`--task: ${JSON.stringify(task)} is neither reverse nor anomaly`);
  if (task === null && text('resume') === null && !given.has('help'))
    throw new FlagError('--task: missing; give reverse or anomaly, or --resume FILE');
  const threads = text('threads');
  return {
    task,
    resume: text('resume'),
    startFrom: text('start-from'),
    out: text('out'),
    dataFolder: text('data') ?? (env.HEADROOM_DATA || '.headroom'),
    threads: threads === null ? null : whole('threads', threads),
    json: given.has('json'),
    help: given.has('help'),
    changes: [...given].filter(([name]) => Object.hasOwn(fields, name)).flatMap(([name, value]) => changesOf(name, value)),
  };
}

function changesOf(name: string, value: string): Flags['changes'] {
  const field = fields[name]!;
  const flag = `--${name}`;
  // `--clip off` reads better than a mode of its own.
  if (name === 'clip' && value === 'off') return [{ flag, field: fields['clip-mode']!, value: 'off' }];
  if (value === field.none) return [{ flag, field, value: null }];
  return [{ flag, field, value: field.kind === 'number' ? number(flag, value) : value }];
}

function number(flag: string, text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value)) throw new FlagError(`${flag}: ${JSON.stringify(text)} is not a number`);
  return value;
}

function whole(name: string, text: string): number {
  const value = number(`--${name}`, text);
  if (!Number.isInteger(value) || value < 1) throw new FlagError(`--${name}: ${text} is not a whole number of at least 1`);
  return value;
}

/**
 * The config that flags make of `base`: the checkpoint's that is resumed, or the task's published set-up.
 * @throws FlagError naming the flag whose value does not fit
 */
export function configOf(flags: Flags, base: RunConfig | null): RunConfig {
  if (base && flags.task !== null && flags.task !== base.task.kind)
    throw new FlagError(`--task: ${flags.task}, but the checkpoint is of a ${base.task.kind} run`);
  const config = structuredClone(base ?? defaultConfig(flags.task!));
  for (const { flag, field, value } of flags.changes) {
    if (field.only && field.only !== config.task.kind) throw new FlagError(`${flag}: only for --task ${field.only}`);
    const [part, key] = field.path.includes('.') ? field.path.split('.') : [null, field.path];
    const target = (part === null ? config : config[part as keyof RunConfig]) as Record<string, unknown>;
    target[key!] = value;
  }
  const parsed = runConfig.safeParse(config);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0]!;
  const path = issue.path.join('.');
  const flag =
    flags.changes.find((c) => c.field.path === path)?.flag ?? Object.entries(fields).find(([, f]) => f.path === path)?.[0];
  throw new FlagError(`${flag === undefined ? path : flag.startsWith('--') ? flag : `--${flag}`}: ${issue.message}`);
}
