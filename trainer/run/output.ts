import type { TrainerEvent, Trigger } from '~/shared/events';
import { MAX_INLINE_CHARACTERS } from '~/shared/media';
import type { Split } from '~/trainer/base/splits';
import type { ParamSpec, Task, TrainOutput } from '~/trainer/types';
import type { Answer } from './analyses';
import type { Result } from './evaluator';
import { metricsOf } from './metrics';
import { type RowInput, Rows } from './rows';

/** Rows are sent together after this time or this many rows: soon enough for viewers, and cheap for a fast model. */
const rowsWaitMs = 50;
const rowsTogether = 64;

/** The output of a run, in order: rows are gathered, and sent before any later event. */
export class Output {
  readonly #rows: Rows;
  readonly #ready: TrainOutput[] = [];

  constructor(
    params: readonly ParamSpec[],
    private readonly task: Pick<Task, 'chanceLoss' | 'derived' | 'mainMetric'>,
    private readonly clock: () => number,
  ) {
    this.#rows = new Rows(params, task);
  }

  row(step: number, row: RowInput): void {
    this.#rows.add(step, row, this.clock());
  }

  /** Value of a column in the newest row; undefined before the first row. */
  newest(column: string): number | undefined {
    return this.#rows.newest(column);
  }

  /** Value of a metric derived from a loss; undefined for an unknown name. */
  derived(metric: string, loss: number): number | undefined {
    return this.task.derived?.find((d) => d.name === metric)?.of({ loss });
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
    const { examples, elapsedMs } = result;
    const metrics = metricsOf(this.task, result, about.split === 'validation');
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
      text: text.slice(0, MAX_INLINE_CHARACTERS),
      ...(caption !== undefined && { caption }),
    });
  }

  /** All output since the last call; rows only when they have waited long enough, unless `all`. */
  drain(all: boolean): TrainOutput[] {
    const due = this.#rows.count >= rowsTogether || (this.#rows.count > 0 && this.clock() - this.#rows.sinceMs >= rowsWaitMs);
    if (all || due) this.#flushRows();
    return this.#ready.splice(0);
  }

  #flushRows(): void {
    const event = this.#rows.take();
    if (event) this.#ready.push({ event, blob: null });
  }
}
