/**
 * The config fields that all recipes of the built-in trainer have; a recipe adds its `task`. Each field is declared once, here: form, flags, checks and messages
 * derive from it.
 */
import { z } from 'zod';
import { backendName } from '~/shared/backends';
import { scheduleKind } from '~/shared/events';
import { blobHash } from '~/shared/ids';
import type { MemoryTerm, SettingProblem } from '~/shared/recipes';
import { type Json, jsonObject } from '~/shared/setup';

const count = (min: number, max: number) => z.int().min(min).max(max);
const positive = z.number().positive();
const share = z.number().min(0).lt(1);
const steps = count(1, 1_000_000_000);
/** A snapshot with more examples would be slow to look at. */
export const maxProbeExamples = 64;
const tutorial = 'UvA deep learning tutorial 6 (P. Lippe)';

const model = z.strictObject({
  layers: count(1, 32).meta({ title: 'Layers', description: 'Encoder layers.', 'x-usual': [1, 8] }),
  heads: count(1, 32).meta({
    title: 'Heads',
    description: 'Attention heads per layer; must divide the width.',
    'x-usual': [1, 8],
  }),
  modelDim: count(2, 4096)
    .multipleOf(2)
    .meta({
      title: 'Width',
      description: 'Numbers per position inside the network (model dimension); even.',
      'x-divisibleBy': 'model.heads',
      'x-usual': [16, 512],
    }),
  dropout: share.meta({ title: 'Dropout', description: 'Share of activations dropped inside the network.', 'x-usual': [0, 0.3] }),
  inputDropout: share.meta({ title: 'Input dropout', description: 'Share of input features dropped.', 'x-usual': [0, 0.3] }),
});

const onlyAdam = { field: 'optimizer.kind', is: ['adam', 'adamw'] };
const optimizer = z.strictObject({
  kind: z.enum(['adam', 'adamw', 'sgd']).meta({
    title: 'Optimizer',
    'x-flag': 'optimizer',
    description: 'adam: weight decay is added to the gradient; adamw: weights shrink directly; sgd: momentum only.',
  }),
  learningRate: positive.meta({
    title: 'Learning rate',
    'x-flag': 'lr',
    description: 'The base value; warm-up and decay scale it.',
    'x-usual': [1e-5, 1e-1],
    'x-source': tutorial,
  }),
  beta1: share.meta({ title: 'Beta 1', description: 'Memory of the gradient mean.', 'x-onlyWhen': onlyAdam, 'x-advanced': true }),
  beta2: share.meta({
    title: 'Beta 2',
    description: 'Memory of the squared gradient.',
    'x-onlyWhen': onlyAdam,
    'x-advanced': true,
  }),
  epsilon: positive.meta({
    title: 'Epsilon',
    description: 'Added to the denominator of the update.',
    'x-onlyWhen': onlyAdam,
    'x-advanced': true,
    'x-usual': [1e-10, 1e-4],
  }),
  weightDecay: z
    .number()
    .min(0)
    .meta({ title: 'Weight decay', description: 'Pulls weights toward 0.', 'x-usual': [0, 0.1] }),
  momentum: share.meta({
    title: 'Momentum',
    description: 'Share of the last update that goes into the next.',
    'x-onlyWhen': { field: 'optimizer.kind', is: ['sgd'] },
  }),
});

const schedule = z.strictObject({
  kind: scheduleKind.meta({
    title: 'Learning rate over time',
    'x-flag': 'schedule',
    description: 'After the warm-up. Periodic: after its end the cosine rises again, as PyTorch’s does; the others stay at 0.',
    'x-titles': { 'cosine-periodic': 'cosine, periodic' },
  }),
  warmupSteps: count(0, 10_000_000).meta({
    title: 'Warm-up',
    'x-flag': 'warmup',
    description: 'Steps over which the learning rate rises from 0.',
    'x-unit': 'steps',
    'x-usual': [0, 10_000],
  }),
  maxSteps: steps.nullable().meta({
    title: 'Reaches 0 at',
    'x-flag': 'schedule-end',
    description: 'Step at which cosine or linear reaches 0.',
    'x-unit': 'step',
    'x-null': 'the last step',
    'x-onlyWhen': { field: 'schedule.kind', is: ['cosine', 'linear', 'cosine-periodic'] },
    'x-advanced': true,
  }),
});

const clip = z.strictObject({
  mode: z.enum(['norm', 'value', 'off']).meta({
    title: 'Clip by',
    'x-flag': 'clip-mode',
    description: 'norm: the gradient as a whole; value: each element; off: not at all.',
  }),
  threshold: positive.meta({
    title: 'Clip value',
    'x-flag': 'clip',
    description: 'Largest norm (or element) that passes unscaled.',
    'x-usual': [0.1, 10],
    'x-source': tutorial,
    'x-onlyWhen': { field: 'clip.mode', is: ['norm', 'value'] },
  }),
});

const commonFields = {
  seed: count(0, 0xffff_ffff).meta({
    title: 'Seed',
    description: 'Decides everything random: same config, seed and commands, same numbers.',
  }),
  backend: z
    .enum(['auto', ...backendName.options])
    .meta({ title: 'Backend', description: 'What computes; auto: the fastest that passes a self-test.' }),
  batchSize: count(1, 65_536).meta({
    title: 'Batch size',
    'x-flag': 'batch',
    description: 'Examples per update.',
    'x-unit': 'examples',
    'x-group': 'Data',
    'x-usual': [8, 1024],
  }),
  gradientAccumulation: count(1, 1024).optional().meta({
    title: 'Parts of a batch',
    'x-flag': 'accumulate',
    description:
      'A batch is computed in this many parts, one after the other; their gradients are added up. The same update in less memory.',
    'x-unit': 'parts',
    'x-group': 'Data',
    'x-atMost': 'batchSize',
    'x-advanced': true,
  }),
  model: model.meta({ title: 'Model' }),
  optimizer: optimizer.meta({ title: 'Optimizer' }),
  epochs: count(1, 1_000_000).meta({
    title: 'Epochs',
    description: 'Passes over the training set.',
    'x-unit': 'epochs',
    'x-group': 'Schedule',
  }),
  schedule: schedule.meta({ title: 'Schedule' }),
  earlyStopPatience: count(1, 1_000_000).nullable().meta({
    title: 'Early stop after',
    'x-flag': 'early-stop',
    description: 'Validations without a new best before the run ends.',
    'x-unit': 'validations',
    'x-null': 'never',
    'x-group': 'Schedule',
    'x-advanced': true,
  }),
  clip: clip.meta({ title: 'Gradient clipping' }),
  evaluateEverySteps: steps.nullable().meta({
    title: 'Validate every',
    'x-flag': 'evaluate-every',
    description: 'How often the validation set is run.',
    'x-unit': 'steps',
    'x-null': 'every epoch',
    'x-group': 'Recording',
  }),
  snapshotEverySteps: steps.meta({
    title: 'Snapshot every',
    'x-flag': 'snapshot-every',
    description: 'How often attention and predictions of the probe examples are recorded.',
    'x-unit': 'steps',
    'x-group': 'Recording',
    'x-usual': [5, 1000],
  }),
  checkpointEverySteps: steps.meta({
    title: 'Checkpoint every',
    'x-flag': 'checkpoint-every',
    description: 'How often the whole state is saved.',
    'x-unit': 'steps',
    'x-group': 'Recording',
    'x-usual': [50, 10_000],
  }),
  probeSize: count(1, maxProbeExamples).meta({
    title: 'Probe examples',
    description: 'Examples whose attention every snapshot records.',
    'x-unit': 'examples',
    'x-group': 'Recording',
  }),
  startFrom: blobHash.nullable().meta({
    title: 'Start from',
    description: 'A checkpoint (safetensors, PyTorch names) whose parameters replace the random start.',
    'x-null': 'random parameters',
    'x-format': 'checkpoint',
    'x-group': 'Model',
    'x-advanced': true,
  }),
};

/**
 * The whole config schema of a recipe: the common fields, and the recipe's own fields under `task`.
 * @param more annotations (shared/recipes.ts) of common fields, for this recipe only: { batchSize: { 'x-atMost': 'task.trainSize' } }
 */
export function recipeConfig<T extends z.ZodType<{ [key: string]: Json }>>(task: T, more: Annotations = {}) {
  const { batchSize, epochs } = commonFields;
  const fields = { ...commonFields, batchSize: annotated(batchSize, more.batchSize), epochs: annotated(epochs, more.epochs) };
  return z.strictObject({ task: task.meta({ title: 'Data', ...task.meta() }), ...fields });
}

type Annotations = { [Field in 'batchSize' | 'epochs']?: { [annotation: `x-${string}`]: Json } };

const annotated = <S extends z.ZodType>(schema: S, more: object | undefined): S =>
  more ? schema.meta({ ...schema.meta(), ...more }) : schema;

/**
 * About how much memory a run of the built-in network takes, in bytes: the process; parameters with their gradients, Adam's two means and copies on
 * their way to checkpoints; what each layer keeps for the backward pass, which only one part of a batch needs at a time; the maps of a snapshot.
 * Peaks of the text recipe with the wasm backend, and in brackets what this says, in GB: layers x heads x width 6 x 6 x 384,
 * T = 256, batch 32: 3.28 (3.21), in 4 parts 1.37 (1.29); 4 x 8 x 256, T = 128, batch 64: 1.49 (1.51); 12 x 12 x 768, T = 256, batch 4: 4.37 (4.32);
 * 1 x 1 x 32, T = 64, batch 32: 0.28 (0.27).
 *
 * @param positions path of the setting that says how many positions a sequence has
 */
export const networkMemory = (positions: string): MemoryTerm[] => {
  const [layers, heads, width, parts] = ['model.layers', 'model.heads', 'model.modelDim', 'gradientAccumulation'];
  return [
    { bytes: 260e6, times: [], per: [] },
    { bytes: 350, times: [layers, width, width], per: [] },
    { bytes: 72, times: ['batchSize', layers, positions, width], per: [parts] },
    { bytes: 16, times: ['batchSize', layers, heads, positions, positions], per: [parts] },
    { bytes: 8, times: ['probeSize', layers, heads, positions, positions], per: [] },
  ];
};

/** A config of any recipe. */
export const anyConfig = recipeConfig(jsonObject<{ [key: string]: Json }>('task', 64 * 1024));
export type RunConfig = z.infer<typeof anyConfig>;

/** Common values of the presets of a small encoder: Adam with PyTorch's defaults. */
export const usual = {
  seed: 42,
  backend: 'auto',
  gradientAccumulation: 1,
  optimizer: { kind: 'adam', learningRate: 5e-4, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0, momentum: 0.9 },
  evaluateEverySteps: null,
  earlyStopPatience: null,
  snapshotEverySteps: 20,
  checkpointEverySteps: 500,
  probeSize: 8,
  startFrom: null,
} as const satisfies Partial<RunConfig>;

/** A config does not fit its recipe. */
export class ConfigError extends Error {
  override name = 'ConfigError';

  constructor(readonly errors: readonly SettingProblem[]) {
    super(errors.map(({ field, message }) => `${field}: ${message}`).join('; '));
  }
}

/** True also for an error thrown by a team's module, which has its own copy of the class (recipes/load.ts). */
export const isConfigError = (error: unknown): error is ConfigError => error instanceof Error && error.name === 'ConfigError';
