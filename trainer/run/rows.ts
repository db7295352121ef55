/** The step rows: their columns, and rows gathered into one event. */
import type { Rows as RowsEvent, Series } from '~/shared/series';
import type { Derived, Hyper, ParamSpec, StepMetrics, Task } from '~/trainer/types';

/** All values measured by an update are logged in this stream. */
export const stepStream = 'steps';

/** The values of a row. `stepMs`: the update only; `stepsPerSecond`: over the last rows, including the time between updates. */
export interface RowInput {
  metrics: StepMetrics;
  hyper: Hyper;
  baseLearningRate: number;
  batchSize: number;
  /** Epochs done when the update began, with the fraction. */
  epoch: number;
  stepMs: number;
  stepsPerSecond: number;
}

const columns: { series: Series; read: (r: RowInput) => number }[] = [
  { series: { name: 'loss', unit: 'nats', group: 'loss', role: 'loss' }, read: (r) => r.metrics.loss },
  { series: { name: 'accuracy', group: 'accuracy', role: 'accuracy' }, read: (r) => r.metrics.accuracy },
  { series: { name: 'learningRate', group: 'learning rate', role: 'learningRate' }, read: (r) => r.hyper.learningRate },
  { series: { name: 'baseLearningRate', group: 'learning rate', role: 'baseLearningRate' }, read: (r) => r.baseLearningRate },
  { series: { name: 'gradNorm', group: 'gradient norm', role: 'gradNorm' }, read: (r) => r.metrics.gradNorm },
  { series: { name: 'clipThreshold', group: 'gradient norm', role: 'clipThreshold' }, read: (r) => r.hyper.clip.threshold },
  {
    series: { name: 'clipped', unit: '0 or 1', group: 'gradient norm', role: 'clipped' },
    read: (r) => Number(r.metrics.clipped),
  },
  { series: { name: 'epoch', unit: 'epochs', group: 'progress', role: 'epoch', x: true }, read: (r) => r.epoch },
  { series: { name: 'batchSize', unit: 'examples', group: 'progress' }, read: (r) => r.batchSize },
  { series: { name: 'stepMs', unit: 'ms', group: 'throughput', role: 'stepMs' }, read: (r) => r.stepMs },
  {
    series: { name: 'stepsPerSecond', unit: 'steps/s', group: 'throughput', role: 'stepsPerSecond' },
    read: (r) => r.stepsPerSecond,
  },
  { series: { name: 'examplesPerSecond', unit: 'examples/s', group: 'throughput' }, read: (r) => r.stepsPerSecond * r.batchSize },
];

type Described = Pick<Task, 'chanceLoss' | 'derived'>;

export function columnsOf(params: readonly ParamSpec[], { chanceLoss, derived = [] }: Described): Series[] {
  const withChance = (series: Series, chance: number | undefined): Series =>
    chance === undefined ? series : { ...series, chance };
  return [
    ...columns.map(({ series }) => withChance(series, series.role === 'loss' ? chanceLoss : undefined)),
    ...derived.map(({ name, unit, group, of }) => withChance({ name, unit, group }, chanceLoss && of({ loss: chanceLoss }))),
    ...params.map((p) => ({
      name: `gradNorm/${p.name}`,
      group: 'gradient norm per parameter',
      role: 'gradNormOf' as const,
      of: p.name,
    })),
  ];
}

/** Rows of consecutive steps that are not sent yet. */
export class Rows {
  readonly #names: string[];
  readonly #derived: readonly Derived[];
  readonly #values: number[] = [];
  #newest: number[] = [];
  #firstStep = 0;
  #count = 0;
  #since = 0;

  constructor(params: readonly ParamSpec[], task: Described) {
    this.#names = columnsOf(params, task).map((series) => series.name);
    this.#derived = task.derived ?? [];
  }

  get count(): number {
    return this.#count;
  }

  /** When the oldest row was added. */
  get sinceMs(): number {
    return this.#since;
  }

  add(step: number, row: RowInput, nowMs: number): void {
    if (this.#count === 0) {
      this.#firstStep = step;
      this.#since = nowMs;
    }
    for (const column of columns) this.#values.push(column.read(row));
    for (const { of } of this.#derived) this.#values.push(of(row.metrics));
    for (const norm of row.metrics.paramGradNorms) this.#values.push(norm);
    this.#count++;
    const width = this.#names.length;
    if (this.#values.length !== this.#count * width)
      throw new Error(`step ${step}: its row brings the values to ${this.#values.length}, expected ${this.#count} x ${width}`);
    this.#newest = this.#values.slice(-width);
  }

  /** Value of a column in the newest row; undefined without a row. */
  newest(column: string): number | undefined {
    return this.#newest[this.#names.indexOf(column)];
  }

  take(): RowsEvent | null {
    if (this.#count === 0) return null;
    const event: RowsEvent = {
      type: 'rows',
      stream: stepStream,
      steps: { first: this.#firstStep, count: this.#count },
      values: Float64Array.from(this.#values),
    };
    this.#values.length = 0;
    this.#count = 0;
    return event;
  }
}

/** Steps per second over the last `span` rows, without pauses. */
export class Throughput {
  readonly #ends: number[] = [];

  constructor(readonly span = 50) {}

  /** @returns never NaN: the first row after a pause counts with its own duration. */
  add(endMs: number, stepMs: number): number {
    if (this.#ends.length === 0) this.#ends.push(endMs - stepMs);
    this.#ends.push(endMs);
    if (this.#ends.length > this.span + 1) this.#ends.shift();
    const elapsed = endMs - this.#ends[0]!;
    return elapsed > 0 ? (1000 * (this.#ends.length - 1)) / elapsed : 0;
  }

  pause(): void {
    this.#ends.length = 0;
  }
}
