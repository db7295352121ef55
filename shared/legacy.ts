/**
 * Converts what program version 0.1 wrote into today's form. Three edges use it: the database of 0.1 when it is first opened
 * (server/store/sqlite/upgrade01.ts), a `.headroom` file of version 1 (server/import/headroomFile.ts) and a checkpoint of version
 * 1 (trainer/nn/checkpoint.ts). No other code knows the old form.
 *
 * All functions are pure and return unchanged what they do not recognize: the next reader, with today's schema, reports what is
 * wrong with it.
 */

import { isObject } from './own';

type Fields = { [key: string]: unknown };

/** An event before it is checked against its schema. */
export type RawEvent = Fields & { type: string };

export interface Upgrade01 {
  /** The run was imported from a table: 0.1 gave it the published config of a recipe that it does not belong to. */
  imported: boolean;
}

/** The same fields, with one of them renamed. */
function renamed<T extends Fields>(fields: T, from: string, to: string): T {
  if (!Object.hasOwn(fields, from)) return fields;
  return Object.fromEntries(Object.entries(fields).map(([key, value]) => [key === from ? to : key, value])) as T;
}

/** Whether the second event of a log says that the run was imported from a table. */
export const importedIn01 = (second: unknown): boolean =>
  isObject(second) && second.type === 'run.assigned' && isObject(second.trainer) && second.trainer.id === 'import00';

/** One event of 0.1's log. (The database keeps rows separately: server/store/sqlite/rows01.ts.) */
export function upgradeEvent01(event: RawEvent, { imported }: Upgrade01): RawEvent {
  switch (event.type) {
    case 'run.created':
      return withSetup(event, imported);
    case 'run.assigned':
      return renamed(event, 'tenure', 'attempt');
    case 'run.started':
      return withStream(event);
    case 'steps':
      return withStepsOf(event);
    case 'snapshot':
      return withLayers(renamed(event, 'occasion', 'trigger'));
    case 'evaluation':
      return withMetrics(renamed(event, 'occasion', 'trigger'));
    case 'checkpoint':
      return withMain(renamed(event, 'occasion', 'trigger'));
    case 'run.queued':
    case 'command.queued':
      return renamed(event, 'place', 'position');
    case 'wheel':
      return { ...event, type: 'control.locked' };
    case 'wheel.asked':
      return { ...event, type: 'control.requested' };
    default:
      return event;
  }
}

/** In 0.1 all layers had the same shape, and signals were fields named after them. */
function withLayers(event: RawEvent): RawEvent {
  const { layers, heads, queries, keys, signals, ...rest } = event;
  if (typeof layers !== 'number' || layers > 256 || !isObject(signals)) return event;
  return {
    ...rest,
    layers: Array.from({ length: layers }, (_, l) => ({ name: `layer ${l + 1}`, heads, queries, keys })),
    signals: Object.entries(signals).map(([name, values]) => ({ name, ...(name === 'entropy' && { role: name }), values })),
  };
}

/** A `.headroom` file's entry of 0.1. */
export const upgradeEntry01 = (entry: Fields): Fields => renamed(entry, 'tenure', 'attempt');

/** Series of 0.1: their names were fixed. */
const roles: Fields = {
  loss: 'loss',
  accuracy: 'accuracy',
  learningRate: 'learningRate',
  baseLearningRate: 'baseLearningRate',
  gradNorm: 'gradNorm',
  clipThreshold: 'clipThreshold',
  clipped: 'clipped',
  epoch: 'epoch',
  stepsPerSecond: 'stepsPerSecond',
  stepMs: 'stepMs',
};
const ofParameter = 'gradNorm/';
/** 0.1 had one table of rows. */
const stream = 'steps';

function seriesOf(series: unknown): unknown {
  if (!isObject(series) || typeof series.name !== 'string') return series;
  const { name, unit, group } = series;
  const words = { name, ...(unit !== '' && { unit }), ...(group !== '' && { group }) };
  if (Object.hasOwn(roles, name)) return { ...words, role: roles[name], ...(name === 'epoch' && { x: true }) };
  return name.startsWith(ofParameter) ? { ...words, role: 'gradNormOf', of: name.slice(ofParameter.length) } : words;
}

/** Controls and actions of 0.1 that views, rules and shortcuts now find by role. */
const steered = new Set([
  'learningRate',
  'weightDecay',
  'clipMode',
  'clipThreshold',
  'pause',
  'resume',
  'step',
  'stop',
  'evaluate',
  'snapshot',
  'checkpoint',
  'cancel',
]);
/** Actions of 0.1 that only ask about the parameters. */
const asking = new Set(['permutationCheck', 'ablateHeads', 'findMistakes']);
const withRole = (spec: unknown): unknown =>
  isObject(spec) && typeof spec.name === 'string'
    ? { ...(asking.has(spec.name) && { question: true }), ...spec, ...(steered.has(spec.name) && { role: spec.name }) }
    : spec;
const withRoles = (specs: unknown): unknown => (Array.isArray(specs) ? specs.map(withRole) : specs);

function withStream({ backend, series, controls, stepsPerEpoch, totalSteps, ...event }: RawEvent): RawEvent {
  const { name, ...device } = isObject(backend) ? backend : {};
  return {
    ...event,
    type: 'started',
    device: { backend: name, ...device },
    controls: isObject(controls)
      ? { ...controls, values: withRoles(controls.values), actions: withRoles(controls.actions) }
      : controls,
    streams: [{ stream, columns: Array.isArray(series) ? series.map(seriesOf) : series }],
    lengths: { stepsPerEpoch, totalSteps },
  };
}

const withStepsOf = ({ firstStep, count, ...event }: RawEvent): RawEvent => ({
  ...event,
  type: 'rows',
  stream,
  steps: { first: firstStep, count },
});

/** The metric by which 0.1 compared evaluations. */
const accuracyOf = (value: unknown, main: boolean): Fields => ({
  name: 'accuracy',
  value,
  role: 'accuracy',
  better: 'higher',
  ...(main && { main }),
});

const withMetrics = ({ loss, accuracy, ...event }: RawEvent): RawEvent => ({
  ...event,
  metrics: [{ name: 'loss', value: loss, role: 'loss' }, accuracyOf(accuracy, event.split === 'validation')],
});

const withMain = ({ validationAccuracy: value, ...event }: RawEvent): RawEvent =>
  typeof value === 'number' ? { ...event, main: { split: 'validation', metric: accuracyOf(value, true) } } : event;

function withSetup({ config, ...event }: RawEvent, imported: boolean): RawEvent {
  if (!isObject(config)) return { ...event, config };
  const { name } = config;
  const { recipe, config: own } = upgradeConfig01(config);
  const about = imported ? { recipe: null, config: {} } : { recipe: { name: recipe, trainer: null }, config: own };
  const { type, ...rest } = event;
  return { type, setup: { name, project: 'default', tags: [], ...about }, ...rest };
}

/** Reads a config of 0.1: the recipe's name, which was `task.kind`, and the config of that recipe, without the run's name. */
export function upgradeConfig01(config: unknown): { recipe: unknown; config: Fields } {
  const { task, name: _name, ...rest } = isObject(config) ? config : {};
  const { kind, ...own } = isObject(task) ? task : {};
  return { recipe: kind, config: { ...rest, ...periodic(rest), task: own } };
}

/** A cosine schedule of 0.1 that has an end of its own rises again after it. */
function periodic({ schedule }: Fields): Fields {
  const ends = isObject(schedule) && schedule.kind === 'cosine' && schedule.maxSteps !== null;
  return ends ? { schedule: { ...(schedule as Fields), kind: 'cosine-periodic' } } : {};
}

/** A checkpoint's metadata of 0.1. */
export function upgradeCheckpoint01({ config, state }: { config: unknown; state: unknown }): {
  recipe: unknown;
  config: unknown;
  state: unknown;
} {
  const pending = isObject(state) && Array.isArray(state.pending) ? state.pending : null;
  const withTrigger = (evaluation: unknown) => (isObject(evaluation) ? renamed(evaluation, 'occasion', 'trigger') : evaluation);
  return { ...upgradeConfig01(config), state: pending ? { ...(state as Fields), pending: pending.map(withTrigger) } : state };
}
