/**
 * The controls of a run: one table, each entry a control's declaration together with the location of its value. The page's form, the
 * server's checks and the scripts' types derive from the declaration, so a new control is one more entry here.
 */
import { z } from 'zod';
import { type ControlSpec, type ControlValue, controlDefaults } from '~/shared/controls';
import { fieldsOf } from '~/shared/recipeFields';
import type { JsonSchema } from '~/shared/recipes';
import type { Config } from '~/shared/setup';
import { anyConfig, type RunConfig } from '~/trainer/base/config';
import type { Task } from '~/trainer/types';
import type { Position } from './position';
import { probeOf } from './taskRules';

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
  /** Of the field of the config that it changes: "optimizer.beta1". */
  path?: string;
  read(settings: Settings): ControlValue;
  /** Called with a value that fits `spec`. */
  write(settings: Settings, value: ControlValue): void;
  /** null, or one sentence that names the control and the values that would fit. */
  refusal?(value: ControlValue, facts: Facts): string | null;
}

/** The fields of every config: a control has the words and limits of its field. */
const fields = new Map(
  fieldsOf(z.toJSONSchema(anyConfig, { unrepresentable: 'any' }) as JsonSchema).map((field) => [field.path, field]),
);

/**
 * A field of the config as a control.
 * @param path "optimizer.beta1"
 * @param own what differs from the field; the name is the last part of the path unless given
 */
function field(path: string, own: Partial<ControlSpec> = {}, refusal?: Control['refusal']): Control {
  const { names, title, description, kind, options, nullable, group, schema } = fields.get(path)!;
  const key = names.at(-1)!;
  const part = ({ config }: Settings) => names.slice(0, -1).reduce((at, name) => at[name] as Config, config as unknown as Config);
  const spec: ControlSpec = {
    ...controlDefaults,
    name: key,
    label: title,
    help: description,
    unit: schema['x-unit'] ?? '',
    type: kind === 'choice' ? 'enum' : (kind as 'integer' | 'number'),
    min: schema.minimum ?? schema.exclusiveMinimum ?? null,
    max: schema.maximum ?? schema.exclusiveMaximum ?? null,
    exclusiveMin: schema.exclusiveMinimum !== undefined,
    exclusiveMax: schema.exclusiveMaximum !== undefined,
    options: kind === 'choice' ? options.map(String) : null,
    nullLabel: nullable ? schema['x-null']! : null,
    group,
    ...own,
  };
  return {
    spec,
    path,
    read: (settings) => part(settings)[key] as ControlValue,
    write: (settings, value) => {
      part(settings)[key] = value;
    },
    ...(refusal && { refusal }),
  };
}

/** A value that only a run has, as a control. */
function setting<K extends 'probeExamples' | 'snapshotDrift'>(
  name: K,
  own: Partial<ControlSpec> & Pick<ControlSpec, 'label' | 'help' | 'type'>,
  refusal?: Control['refusal'],
): Control {
  return {
    spec: { ...controlDefaults, name, takesEffect: 'next snapshot', group: 'Recording', ...own },
    read: (settings) => settings[name],
    write: (settings, value) => {
      settings[name] = value as Settings[K];
    },
    ...(refusal && { refusal }),
  };
}

function table(start: RunConfig, task: Task): Control[] {
  const { kind } = start.optimizer;
  return [
    field('optimizer.learningRate', {
      role: 'learningRate',
      scale: 'log',
      help: 'The base value; warm-up and decay scale it. The chart shows the effective one.',
    }),
    field('optimizer.weightDecay', {
      role: 'weightDecay',
      help: kind === 'adamw' ? 'Shrinks weights directly.' : 'Added to the gradient, as in L2 regularization.',
    }),
    ...(kind === 'sgd' ? [field('optimizer.momentum')] : [field('optimizer.beta1'), field('optimizer.beta2')]),
    field('clip.mode', { name: 'clipMode', role: 'clipMode', group: 'Clipping' }),
    field('clip.threshold', { name: 'clipThreshold', role: 'clipThreshold', scale: 'log', group: 'Clipping' }),
    field('model.dropout', { group: 'Regularization' }),
    field('model.inputDropout', { group: 'Regularization' }),
    field('batchSize', {
      role: 'batchSize',
      max: Math.min(65_536, task.sizes.train),
      help: 'Examples per update. A rest smaller than a batch at the end of an epoch is left out.',
      group: 'Schedule',
    }),
    field('epochs', { role: 'epochs' }, (value, { position }) => {
      const begun = position.epoch + (position.index > 0 ? 1 : 0);
      return (value as number) >= begun
        ? null
        : `epochs: ${value} does not fit; ${begun} ${begun === 1 ? 'has' : 'have'} begun, give at least ${begun} or stop the run`;
    }),
    field(
      'schedule.maxSteps',
      {
        name: 'scheduleEnd',
        role: 'scheduleEnd',
        label: 'Schedule end',
        help: 'Step at which a cosine or linear learning rate reaches 0.',
        unit: 'steps',
        nullLabel: "the run's last step",
      },
      (value, { step }) =>
        value === null || (value as number) > step
          ? null
          : `scheduleEnd: ${value} does not fit, step ${step} is reached; give a later step or null (the run's last step)`,
    ),
    field('evaluateEverySteps', { nullLabel: 'after every epoch', takesEffect: 'next evaluation' }),
    field('earlyStopPatience', { unit: 'evaluations', takesEffect: 'next evaluation' }),
    field('snapshotEverySteps', { takesEffect: 'next snapshot' }),
    setting('snapshotDrift', {
      type: 'number',
      min: 0,
      max: 1,
      nullLabel: 'off',
      label: 'Snapshot sooner above drift',
      help: 'When attention moved more than this since the snapshot before (0.05 is a good start), the next one comes after a quarter of the steps.',
    }),
    field('checkpointEverySteps', { takesEffect: 'next checkpoint' }),
    setting(
      'probeExamples',
      { type: 'text', nullLabel: 'the first of the validation set', label: 'Probe examples', help: task.probeHelp },
      (value, { settings }) => {
        try {
          probeOf(task, settings.config.probeSize, value as string | null);
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
