import { type RunConfig, runConfig, type TaskKind } from '~/shared/config';

/** The new-run form as data: one entry per field of RunConfig, so that form, parsing and the test that none is forgotten read one table. */
export interface Field {
  /** Where it lives in the config, e.g. "optimizer.learningRate". */
  path: string;
  label: string;
  kind: 'text' | 'number' | 'choice';
  unit?: string;
  help?: string;
  options?: readonly string[];
  /** Empty means null, which means this. */
  whenEmpty?: string;
  /** Left out of the form where it has no meaning; its default is sent. */
  shown?: (texts: Texts) => boolean;
}
export type Texts = Record<string, string>;

const only = (kind: TaskKind) => (t: Texts) => t['task.kind'] === kind;
const sgd = (t: Texts) => t['optimizer.kind'] === 'sgd';
const adam = (t: Texts) => t['optimizer.kind'] !== 'sgd';
const number = (path: string, label: string, more: Partial<Field> = {}): Field => ({ path, label, kind: 'number', ...more });
const choice = (path: string, label: string, options: readonly string[], more: Partial<Field> = {}): Field => ({
  path,
  label,
  kind: 'choice',
  options,
  ...more,
});

export const groups: { title: string; fields: Field[] }[] = [
  {
    title: 'Run',
    fields: [
      { path: 'name', label: 'Name', kind: 'text' },
      choice('task.kind', 'Task', ['reverse', 'anomaly'], {
        help: 'reverse: flip a sequence of digits; anomaly: find the odd picture of a set',
      }),
      choice('backend', 'Backend', ['auto', 'tensorflow', 'webgpu', 'wasm', 'cpu'], {
        help: 'auto: the fastest that passes a self-test',
      }),
      number('seed', 'Seed', { help: 'same config, seed and commands: the same numbers' }),
    ],
  },
  {
    title: 'Data',
    fields: [
      number('task.seqLen', 'Sequence length', { shown: only('reverse') }),
      number('task.numClasses', 'Different digits', { shown: only('reverse') }),
      choice('task.embedding', 'Embedding', ['onehot', 'learned'], { shown: only('reverse') }),
      number('task.trainSize', 'Training examples', { shown: only('reverse') }),
      number('task.validationSize', 'Validation examples', { shown: only('reverse') }),
      number('task.testSize', 'Test examples', { shown: only('reverse') }),
      number('task.setSize', 'Pictures per set', { shown: only('anomaly'), help: 'the odd one included' }),
      choice('task.images', 'Pictures', ['builtin', 'cifar100', 'folder'], {
        shown: only('anomaly'),
        help: 'builtin: built-in demo pictures, no download; cifar100 and folder need npm run data:features first',
      }),
      number('batchSize', 'Batch size'),
    ],
  },
  {
    title: 'Model',
    fields: [
      number('model.layers', 'Layers'),
      number('model.heads', 'Heads', { help: 'must divide the width' }),
      number('model.modelDim', 'Width', { help: 'model dimension, even' }),
      number('model.dropout', 'Dropout'),
      number('model.inputDropout', 'Input dropout'),
      { path: 'startFrom', label: 'Start from', kind: 'text', whenEmpty: 'random', help: "SHA-256 of a checkpoint's file" },
    ],
  },
  {
    title: 'Optimiser',
    fields: [
      choice('optimizer.kind', 'Optimiser', ['adam', 'adamw', 'sgd']),
      number('optimizer.learningRate', 'Learning rate'),
      number('optimizer.beta1', 'Beta 1', { shown: adam }),
      number('optimizer.beta2', 'Beta 2', { shown: adam }),
      number('optimizer.epsilon', 'Epsilon', { shown: adam }),
      number('optimizer.momentum', 'Momentum', { shown: sgd }),
      number('optimizer.weightDecay', 'Weight decay'),
    ],
  },
  {
    title: 'Schedule',
    fields: [
      number('epochs', 'Epochs'),
      choice('schedule.kind', 'Learning rate', ['cosine', 'linear', 'constant']),
      number('schedule.warmupSteps', 'Warm-up', { unit: 'steps' }),
      number('schedule.maxSteps', 'Reaches 0 at', {
        unit: 'step',
        whenEmpty: 'last step',
        shown: (t) => t['schedule.kind'] !== 'constant',
      }),
      number('earlyStopPatience', 'Early stop after', { unit: 'validations', whenEmpty: 'never' }),
    ],
  },
  {
    title: 'Gradient clipping',
    fields: [
      choice('clip.mode', 'Clip by', ['norm', 'value', 'off']),
      number('clip.threshold', 'Clip value', { shown: (t) => t['clip.mode'] !== 'off' }),
    ],
  },
  {
    title: 'Recording',
    fields: [
      number('evaluateEverySteps', 'Validate every', { unit: 'steps', whenEmpty: 'every epoch' }),
      number('snapshotEverySteps', 'Snapshot every', { unit: 'steps' }),
      number('checkpointEverySteps', 'Checkpoint every', { unit: 'steps' }),
      number('probeSize', 'Probe examples', { help: 'whose attention is recorded' }),
    ],
  },
];
export const fields: Field[] = groups.flatMap((g) => g.fields);

const at = (o: unknown, path: string): unknown =>
  path.split('.').reduce<unknown>((v, key) => (v as Record<string, unknown> | undefined)?.[key], o);

/** A config as the form's texts. */
export const textsOf = (config: RunConfig): Texts =>
  Object.fromEntries(
    fields.flatMap(({ path }) => {
      const value = at(config, path);
      return value === undefined ? [] : [[path, value === null ? '' : String(value)]];
    }),
  );

export type Parsed = { ok: true; config: RunConfig } | { ok: false; errors: Record<string, string> };

/** The config that the texts spell, or one sentence per field that does not fit. */
export function configOf(texts: Texts): Parsed {
  const draft: Record<string, unknown> = {};
  const errors: Record<string, string> = {};
  for (const field of fields) {
    const text = texts[field.path];
    if (text === undefined) continue;
    const value = spelled(field, text.trim());
    if (value === undefined)
      errors[field.path] = `${field.label}: ${text.trim() === '' ? 'give a number' : `"${text.trim()}" is not a number`}`;
    const keys = field.path.split('.');
    const last = keys.pop()!;
    let part = draft;
    for (const key of keys) {
      part[key] ??= {};
      part = part[key] as Record<string, unknown>;
    }
    part[last] = value;
  }
  const parsed = runConfig.safeParse(draft);
  if (parsed.success) return { ok: true, config: parsed.data };
  for (const issue of parsed.error.issues) {
    const path = issue.path.join('.');
    errors[path] ??= `${fields.find((f) => f.path === path)?.label ?? path}: ${describeIssue(issue)}`;
  }
  return { ok: false, errors };
}

function spelled(field: Field, text: string): string | number | null | undefined {
  if (text === '' && field.whenEmpty !== undefined) return null;
  if (field.kind !== 'number') return text;
  const n = Number(text);
  return text === '' || Number.isNaN(n) ? undefined : n;
}

function describeIssue(issue: {
  code?: string;
  message: string;
  minimum?: unknown;
  maximum?: unknown;
  inclusive?: boolean;
  expected?: unknown;
  origin?: unknown;
}): string {
  if (issue.code === 'too_small' && issue.origin !== 'string')
    return issue.inclusive === false ? `must be above ${issue.minimum}` : `at least ${issue.minimum}`;
  if (issue.code === 'too_big' && issue.origin !== 'string')
    return issue.inclusive === false ? `must be below ${issue.maximum}` : `at most ${issue.maximum}`;
  if (issue.code === 'invalid_type' && issue.expected === 'int') return 'a whole number is needed';
  return issue.message;
}

/** How many updates the config asks for; null where the form cannot know the size of the data. */
export const plannedSteps = (config: RunConfig): number | null =>
  config.task.kind === 'reverse' ? Math.floor(config.task.trainSize / config.batchSize) * config.epochs : null;
