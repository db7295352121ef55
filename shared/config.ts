import { z } from 'zod';
import { backendName } from './backends';
import { blobHash } from './ids';
import type { Config, RunSetup } from './setup';

/** Of version 0.1: what the new-run form and the MCP tool still use until they derive from the recipes that trainers declare. */

const count = (min: number, max: number) => z.int().min(min).max(max);
const positive = z.number().positive().finite();

export const reverseTask = z.strictObject({
  kind: z.literal('reverse'),
  seqLen: count(1, 512),
  numClasses: count(2, 256),
  embedding: z.enum(['onehot', 'learned']),
  trainSize: count(1, 10_000_000),
  validationSize: count(1, 1_000_000),
  testSize: count(1, 1_000_000),
});

export const anomalyTask = z.strictObject({
  kind: z.literal('anomaly'),
  /** Images in a set, the odd one included. */
  setSize: count(3, 64),
  /** Where the pictures come from: drawn by the program, CIFAR-100 (`npm run data:cifar100`), or a user's folder (`npm run data:features -- --images DIR`). */
  images: z.enum(['builtin', 'cifar100', 'folder']),
});

export const taskConfig = z.discriminatedUnion('kind', [reverseTask, anomalyTask]);
export type TaskConfig = z.infer<typeof taskConfig>;
export type TaskKind = TaskConfig['kind'];

export const runConfig = z
  .strictObject({
    name: z.string().trim().min(1, 'give the run a name').max(80),
    task: taskConfig,
    seed: z.int().min(0).max(0xffff_ffff),
    backend: z.union([z.literal('auto'), backendName]),
    model: z.strictObject({
      layers: count(1, 32),
      heads: count(1, 32),
      modelDim: count(2, 4096),
      dropout: z.number().min(0).lt(1),
      inputDropout: z.number().min(0).lt(1),
    }),
    optimizer: z.strictObject({
      kind: z.enum(['adam', 'adamw', 'sgd']),
      learningRate: positive,
      beta1: z.number().min(0).lt(1),
      beta2: z.number().min(0).lt(1),
      epsilon: positive,
      weightDecay: z.number().min(0).finite(),
      /** SGD only. */
      momentum: z.number().min(0).lt(1),
    }),
    schedule: z.strictObject({
      kind: z.enum(['cosine', 'constant', 'linear']),
      warmupSteps: count(0, 10_000_000),
      /** Step at which cosine or linear reaches 0; null = the run's own last step. */
      maxSteps: count(1, 1_000_000_000).nullable(),
    }),
    clip: z.strictObject({ mode: z.enum(['norm', 'value', 'off']), threshold: positive }),
    batchSize: count(1, 65_536),
    epochs: count(1, 1_000_000),
    /** null = after every epoch. */
    evaluateEverySteps: count(1, 1_000_000_000).nullable(),
    /** Evaluations on the validation set without a new best before the run ends; null = never. */
    earlyStopPatience: count(1, 1_000_000).nullable(),
    snapshotEverySteps: count(1, 1_000_000_000),
    checkpointEverySteps: count(1, 1_000_000_000),
    /** Examples whose attention every snapshot records. */
    probeSize: count(1, 64),
    /** A checkpoint (safetensors, PyTorch names) whose parameters replace the random start; null = random. */
    startFrom: blobHash.nullable(),
  })
  .superRefine((c, ctx) => {
    if (c.model.modelDim % c.model.heads !== 0)
      ctx.addIssue({
        code: 'custom',
        path: ['model', 'heads'],
        message: `heads (${c.model.heads}) must divide modelDim (${c.model.modelDim})`,
      });
    if (c.model.modelDim % 2 !== 0)
      ctx.addIssue({ code: 'custom', path: ['model', 'modelDim'], message: 'modelDim must be even (sine and cosine positions)' });
    if (c.task.kind === 'reverse' && c.batchSize > c.task.trainSize)
      ctx.addIssue({
        code: 'custom',
        path: ['batchSize'],
        message: `batchSize (${c.batchSize}) exceeds the training set (${c.task.trainSize})`,
      });
  });
export type RunConfig = z.infer<typeof runConfig>;

const common = { seed: 42, backend: 'auto', evaluateEverySteps: null, earlyStopPatience: null, startFrom: null } as const;
const adam = {
  kind: 'adam',
  learningRate: 5e-4,
  beta1: 0.9,
  beta2: 0.999,
  epsilon: 1e-8,
  weightDecay: 0,
  momentum: 0.9,
} as const;

/** The published set-up of a task, ready to be changed field by field. */
export function defaultConfig(kind: TaskKind): RunConfig {
  switch (kind) {
    case 'reverse':
      return {
        ...common,
        name: 'Reverse',
        task: {
          kind: 'reverse',
          seqLen: 16,
          numClasses: 10,
          embedding: 'onehot',
          trainSize: 50_000,
          validationSize: 1_000,
          testSize: 10_000,
        },
        model: { layers: 1, heads: 1, modelDim: 32, dropout: 0, inputDropout: 0 },
        optimizer: { ...adam },
        schedule: { kind: 'cosine', warmupSteps: 50, maxSteps: null },
        clip: { mode: 'norm', threshold: 5 },
        batchSize: 128,
        epochs: 10,
        snapshotEverySteps: 20,
        checkpointEverySteps: 500,
        probeSize: 8,
      };
    case 'anomaly':
      return {
        ...common,
        name: 'Odd one out',
        task: { kind: 'anomaly', setSize: 10, images: 'builtin' },
        model: { layers: 4, heads: 4, modelDim: 256, dropout: 0.1, inputDropout: 0.1 },
        optimizer: { ...adam },
        schedule: { kind: 'cosine', warmupSteps: 100, maxSteps: null },
        clip: { mode: 'norm', threshold: 2 },
        batchSize: 64,
        epochs: 100,
        snapshotEverySteps: 20,
        checkpointEverySteps: 500,
        probeSize: 8,
      };
  }
}

export function setupOf({ name, task: { kind, ...task }, ...config }: RunConfig): RunSetup {
  return { name, project: 'default', tags: [], recipe: { name: kind, trainer: null }, config: { task, ...config } as Config };
}

/** null: of another recipe. */
export function configOfSetup({ name, recipe, config }: RunSetup): RunConfig | null {
  const { task, ...rest } = config;
  const parsed = runConfig.safeParse({ name, task: { ...(task as Config), kind: recipe?.name }, ...rest });
  return parsed.success ? parsed.data : null;
}
