/**
 * The controls of a run: one table, each entry a control's declaration together with the location of its value. The page's form, the
 * server's checks and the scripts' types derive from the declaration, so a new control is one more entry here.
 */

import type { ControlSpec, ControlValue } from '~/shared/controls';
import type { RunConfig } from '~/trainer/base/config';
import type { Task } from '~/trainer/types';
import type { Position } from './position';

/** All values that controls can change: the run's current config, and the chosen probe examples. */
export interface Settings {
  config: RunConfig;
  /** In the task's notation; null = the first of the validation set. */
  probeExamples: string | null;
  /** A snapshot that drifted more than this is followed by one a quarter of the interval later; null = the interval alone decides. */
  snapshotDrift: number | null;
}

/** Facts for refusing a value that the declaration alone would allow. */
export interface Facts {
  settings: Settings;
  task: Task;
  position: Position;
  step: number;
}

export interface Control {
  spec: ControlSpec;
  read(settings: Settings): ControlValue;
  /** Called with a value that fits `spec`. */
  write(settings: Settings, value: ControlValue): void;
  /** null, or one sentence that names the control and the values that would fit. */
  refusal?(value: ControlValue, facts: Facts): string | null;
}

type Draft = Partial<ControlSpec> & Pick<ControlSpec, 'label' | 'help' | 'type' | 'group'>;

/** A field of the config, or of one of its parts, as a control. */
function field<P extends object>(
  name: string,
  draft: Draft,
  part: (settings: Settings) => P,
  key: keyof P,
  refusal?: Control['refusal'],
): Control {
  return {
    spec: {
      name,
      unit: '',
      min: null,
      max: null,
      exclusiveMin: false,
      exclusiveMax: false,
      options: null,
      nullLabel: null,
      scale: 'linear',
      default: null,
      takesEffect: 'next step',
      ...draft,
    },
    read: (settings) => part(settings)[key] as ControlValue,
    write: (settings, value) => {
      part(settings)[key] = value as P[keyof P];
    },
    ...(refusal && { refusal }),
  };
}

const config = (s: Settings) => s.config;
const model = (s: Settings) => s.config.model;
const optimizer = (s: Settings) => s.config.optimizer;
const clip = (s: Settings) => s.config.clip;
const schedule = (s: Settings) => s.config.schedule;

const share = { type: 'number', min: 0, max: 1, exclusiveMax: true } as const;
const steps = { type: 'integer', unit: 'steps', min: 1, max: 1_000_000_000 } as const;

function table(start: RunConfig, task: Task): Control[] {
  const { kind } = start.optimizer;
  const betas = [
    field('beta1', { ...share, label: 'Beta 1', help: 'Memory of the gradient mean.', group: 'Optimizer' }, optimizer, 'beta1'),
    field(
      'beta2',
      { ...share, label: 'Beta 2', help: 'Memory of the squared gradient.', group: 'Optimizer' },
      optimizer,
      'beta2',
    ),
  ];
  const momentum = field(
    'momentum',
    { ...share, label: 'Momentum', help: 'Share of the last update that goes into the next.', group: 'Optimizer' },
    optimizer,
    'momentum',
  );
  return [
    field(
      'learningRate',
      {
        role: 'learningRate',
        type: 'number',
        min: 0,
        exclusiveMin: true,
        scale: 'log',
        label: 'Learning rate',
        help: 'The base value; warm-up and decay scale it. The chart shows the effective one.',
        group: 'Optimizer',
      },
      optimizer,
      'learningRate',
    ),
    field(
      'weightDecay',
      {
        role: 'weightDecay',
        type: 'number',
        min: 0,
        label: 'Weight decay',
        help: kind === 'adamw' ? 'Shrinks weights directly.' : 'Added to the gradient, as in L2 regularization.',
        group: 'Optimizer',
      },
      optimizer,
      'weightDecay',
    ),
    ...(kind === 'sgd' ? [momentum] : betas),
    field(
      'clipMode',
      {
        role: 'clipMode',
        type: 'enum',
        options: ['norm', 'value', 'off'],
        label: 'Clip by',
        help: 'norm: the gradient as a whole; value: each element; off: not at all.',
        group: 'Clipping',
      },
      clip,
      'mode',
    ),
    field(
      'clipThreshold',
      {
        role: 'clipThreshold',
        type: 'number',
        min: 0,
        exclusiveMin: true,
        scale: 'log',
        label: 'Clip value',
        help: 'Largest norm (or element) that passes unscaled.',
        group: 'Clipping',
      },
      clip,
      'threshold',
    ),
    field(
      'dropout',
      { ...share, label: 'Dropout', help: 'Share of activations dropped inside the network.', group: 'Regularization' },
      model,
      'dropout',
    ),
    field(
      'inputDropout',
      { ...share, label: 'Input dropout', help: 'Share of input features dropped.', group: 'Regularization' },
      model,
      'inputDropout',
    ),
    field(
      'batchSize',
      {
        role: 'batchSize',
        type: 'integer',
        unit: 'examples',
        min: 1,
        max: Math.min(65_536, task.sizes.train),
        label: 'Batch size',
        help: 'Examples per update. A rest smaller than a batch at the end of an epoch is left out.',
        group: 'Schedule',
      },
      config,
      'batchSize',
    ),
    field(
      'epochs',
      {
        role: 'epochs',
        type: 'integer',
        unit: 'epochs',
        min: 1,
        max: 1_000_000,
        label: 'Epochs',
        help: 'Passes over the training set.',
        group: 'Schedule',
      },
      config,
      'epochs',
      (value, { position }) => {
        const begun = position.epoch + (position.index > 0 ? 1 : 0);
        return (value as number) >= begun
          ? null
          : `epochs: ${value} does not fit; ${begun} ${begun === 1 ? 'has' : 'have'} begun, give at least ${begun} or stop the run`;
      },
    ),
    field(
      'scheduleEnd',
      {
        ...steps,
        nullLabel: "the run's last step",
        label: 'Schedule end',
        role: 'scheduleEnd',
        help: 'Step at which a cosine or linear learning rate reaches 0.',
        group: 'Schedule',
      },
      schedule,
      'maxSteps',
      (value, { step }) =>
        value === null || (value as number) > step
          ? null
          : `scheduleEnd: ${value} does not fit, step ${step} is reached; give a later step or null (the run's last step)`,
    ),
    field(
      'evaluateEverySteps',
      {
        ...steps,
        nullLabel: 'after every epoch',
        label: 'Validate every',
        help: 'How often the validation set is run.',
        takesEffect: 'next evaluation',
        group: 'Recording',
      },
      config,
      'evaluateEverySteps',
    ),
    field(
      'earlyStopPatience',
      {
        type: 'integer',
        unit: 'evaluations',
        min: 1,
        max: 1_000_000,
        nullLabel: 'never',
        label: 'Early stop after',
        help: 'Validations without a new best before the run ends.',
        takesEffect: 'next evaluation',
        group: 'Schedule',
      },
      config,
      'earlyStopPatience',
    ),
    field(
      'snapshotEverySteps',
      {
        ...steps,
        label: 'Snapshot every',
        help: 'How often attention and predictions of the probe examples are recorded.',
        takesEffect: 'next snapshot',
        group: 'Recording',
      },
      config,
      'snapshotEverySteps',
    ),
    field(
      'snapshotDrift',
      {
        ...share,
        exclusiveMax: false,
        nullLabel: 'off',
        label: 'Snapshot sooner above drift',
        help: 'When attention moved more than this since the snapshot before (0.05 is a good start), the next one comes after a quarter of the steps.',
        takesEffect: 'next snapshot',
        group: 'Recording',
      },
      (s) => s,
      'snapshotDrift',
    ),
    field(
      'checkpointEverySteps',
      {
        ...steps,
        label: 'Checkpoint every',
        help: 'How often the whole state is saved.',
        takesEffect: 'next checkpoint',
        group: 'Recording',
      },
      config,
      'checkpointEverySteps',
    ),
    field(
      'probeExamples',
      {
        type: 'text',
        nullLabel: 'the first of the validation set',
        label: 'Probe examples',
        help: task.probeHelp,
        takesEffect: 'next snapshot',
        group: 'Recording',
      },
      (s) => s,
      'probeExamples',
      (value, { settings }) => {
        try {
          task.probe(settings.config.probeSize, value as string | null);
          return null;
        } catch (error) {
          return error instanceof Error ? error.message : String(error);
        }
      },
    ),
  ];
}

/** The controls of a run with this config, each with the config's value as its default. */
export function controlsOf(start: RunConfig, task: Task): Control[] {
  const settings: Settings = { config: start, probeExamples: null, snapshotDrift: null };
  return table(start, task).map((c) => ({ ...c, spec: { ...c.spec, default: c.read(settings) } }));
}
