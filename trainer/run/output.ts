import type { EvaluationMetric, TrainerEvent, Trigger } from '~/shared/events';
import { MAX_INLINE_LETTERS } from '~/shared/media';
import type { Split } from '~/trainer/base/splits';
import type { Derived, ParamSpec, Task, TrainOutput } from '~/trainer/types';
import type { Answer } from './analyses';
import type { Result } from './evaluator';
import { type RowInput, Rows } from './rows';

/** Rows wait this long, or for so many, to be sent together: soon enough for the eye, and no burden on a fast model. */
const rowsWaitMs = 50;
const rowsTogether = 64;

/** What evaluations are compared by, on the validation set. */
export const accuracyMetric = (value: number, main: boolean): EvaluationMetric => ({
  name: 'accuracy',
  value,
  role: 'accuracy',
  better: 'higher',
  ...(main && { main }),
});

/** What a run has to say, in order: rows are gathered, and handed on before anything that came after them. */
export class Output {
  readonly #rows: Rows;
  readonly #derived: readonly Derived[];
  readonly #clock: () => number;
  readonly #ready: TrainOutput[] = [];

  constructor(params: readonly ParamSpec[], task: Pick<Task, 'chanceLoss' | 'derived'>, clock: () => number) {
    this.#rows = new Rows(params, task);
    this.#derived = task.derived ?? [];
    this.#clock = clock;
  }

  row(step: number, row: RowInput): void {
    this.#rows.add(step, row, this.#clock());
  }

  /** Value of a column in the newest row; undefined before the first row. */
  newest(column: string): number | undefined {
    return this.#rows.newest(column);
  }

  /** Value of a metric that follows from a loss; undefined when there is none of that name. */
  derived(metric: string, loss: number): number | undefined {
    return this.#derived.find((d) => d.name === metric)?.of({ loss });
  }

  emit(event: TrainerEvent, blob: Uint8Array | null = null, pictures: Uint8Array | null = null): void {
    this.#flushRows();
    this.#ready.push({ event, blob, ...(pictures && { pictures }) });
  }

  status(status: 'running' | 'paused' | 'finished' | 'stopped' | 'failed', step: number, message: string): void {
    this.emit({ type: 'status', status, step, message: message.slice(0, 2000) });
  }

  evaluation(
    about: { step: number; split: Split; trigger: Trigger; commandId: string | null; parametersStep: number },
    result: Result,
  ): void {
    const { loss, accuracy, examples, elapsedMs } = result;
    const main = about.split === 'validation';
    const metrics: EvaluationMetric[] = [
      { name: 'loss', value: loss, role: 'loss' },
      accuracyMetric(accuracy, main),
      ...this.#derived.map(({ name, better, of }) => ({ name, value: of({ loss }), better })),
    ];
    this.emit({ type: 'evaluation', ...about, metrics, examples, elapsedMs });
  }

  analysis(step: number, kind: string, commandId: string, { summary, message }: Answer): void {
    this.emit({ type: 'analysis', step, kind, commandId, summary, message: message.slice(0, 500), blob: null });
  }

  /** A text that the network wrote. */
  sample(step: number, name: string, text: string, caption?: string): void {
    this.emit({
      type: 'media',
      step,
      name,
      kind: 'text',
      text: text.slice(0, MAX_INLINE_LETTERS),
      ...(caption !== undefined && { caption }),
    });
  }

  /** Everything said since the last call; rows only when they have waited enough, unless `all`. */
  drain(all: boolean): TrainOutput[] {
    const due = this.#rows.count >= rowsTogether || (this.#rows.count > 0 && this.#clock() - this.#rows.sinceMs >= rowsWaitMs);
    if (all || due) this.#flushRows();
    return this.#ready.splice(0);
  }

  #flushRows(): void {
    const event = this.#rows.take();
    if (event) this.#ready.push({ event, blob: null });
  }
}
