/** The step rows: which columns there are, and rows gathered into one event. */
import type { Series, Steps } from '~/shared/events';
import type { Derived, Hyper, ParamSpec, StepMetrics, Task } from '~/trainer/types';

/** What a row is made from. `stepMs` is the update alone, `stepsPerSecond` over the last rows with all that lies between them. */
export interface RowInput {
  metrics: StepMetrics;
  hyper: Hyper;
  baseLearningRate: number;
  batchSize: number;
  /** Epochs done when the update began, with its fraction. */
  epoch: number;
  stepMs: number;
  stepsPerSecond: number;
}

const columns: (Series & { of: (r: RowInput) => number })[] = [
  { name: 'loss', unit: 'nats', group: 'loss', of: (r) => r.metrics.loss },
  { name: 'accuracy', unit: '', group: 'accuracy', of: (r) => r.metrics.accuracy },
  { name: 'learningRate', unit: '', group: 'learning rate', of: (r) => r.hyper.learningRate },
  { name: 'baseLearningRate', unit: '', group: 'learning rate', of: (r) => r.baseLearningRate },
  { name: 'gradNorm', unit: '', group: 'gradient norm', of: (r) => r.metrics.gradNorm },
  { name: 'clipThreshold', unit: '', group: 'gradient norm', of: (r) => r.hyper.clip.threshold },
  { name: 'clipped', unit: '0 or 1', group: 'gradient norm', of: (r) => Number(r.metrics.clipped) },
  { name: 'epoch', unit: 'epochs', group: 'progress', of: (r) => r.epoch },
  { name: 'batchSize', unit: 'examples', group: 'progress', of: (r) => r.batchSize },
  { name: 'stepMs', unit: 'ms', group: 'throughput', of: (r) => r.stepMs },
  { name: 'stepsPerSecond', unit: 'steps/s', group: 'throughput', of: (r) => r.stepsPerSecond },
  { name: 'examplesPerSecond', unit: 'examples/s', group: 'throughput', of: (r) => r.stepsPerSecond * r.batchSize },
];

/** Columns that differ from one execution to the next; all others are functions of config, seed and commands. */
export const measuredColumns: ReadonlySet<string> = new Set(['stepMs', 'stepsPerSecond', 'examplesPerSecond']);

type Described = Pick<Task, 'chanceLoss' | 'derived'>;

export function seriesOf(params: readonly ParamSpec[], { chanceLoss, derived = [] }: Described): Series[] {
  const withChance = (series: Series, chance: number | undefined): Series =>
    chance === undefined ? series : { ...series, chance };
  return [
    ...columns.map(({ of: _of, ...series }) => withChance(series, series.name === 'loss' ? chanceLoss : undefined)),
    ...derived.map(({ name, unit, group, of }) => withChance({ name, unit, group }, chanceLoss && of({ loss: chanceLoss }))),
    ...params.map((p) => ({ name: `gradNorm/${p.name}`, unit: '', group: 'gradient norm per parameter' })),
  ];
}

/** Rows of consecutive steps that are not yet handed on. */
export class Rows {
  readonly #names: string[];
  readonly #derived: readonly Derived[];
  readonly #values: number[] = [];
  #newest: number[] = [];
  #firstStep = 0;
  #count = 0;
  #since = 0;

  constructor(params: readonly ParamSpec[], task: Described) {
    this.#names = seriesOf(params, task).map((series) => series.name);
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
    for (const column of columns) this.#values.push(column.of(row));
    for (const { of } of this.#derived) this.#values.push(of(row.metrics));
    for (const norm of row.metrics.paramGradNorms) this.#values.push(norm);
    this.#count++;
    const width = this.#names.length;
    if (this.#values.length !== this.#count * width)
      throw new Error(`step ${step}: its row brings the values to ${this.#values.length}, expected ${this.#count} x ${width}`);
    this.#newest = this.#values.slice(-width);
  }

  /** Value of a column in the newest row; undefined without one. */
  newest(column: string): number | undefined {
    return this.#newest[this.#names.indexOf(column)];
  }

  take(): Steps | null {
    if (this.#count === 0) return null;
    const event: Steps = {
      type: 'steps',
      firstStep: this.#firstStep,
      count: this.#count,
      values: Float64Array.from(this.#values),
    };
    this.#values.length = 0;
    this.#count = 0;
    return event;
  }
}

/** Steps per second over the last `span` rows, pauses left out. */
export class Throughput {
  readonly #ends: number[] = [];

  constructor(readonly span = 50) {}

  /** @returns NaN-free: the first row after a pause counts by its own duration. */
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
