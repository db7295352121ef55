/** The result of a headless run: numbers for people, or one JSON object for scripts. */
import { evaluatedStep, metricWithRole } from '~/shared/evaluations';
import type { DeviceInfo, Evaluation, TrainerEvent } from '~/shared/events';
import { formatPercent } from '~/shared/numbers';
import { lastStepOf, rowCount } from '~/shared/rows';
import type { Series, SeriesRole } from '~/shared/series';
import { pace, short } from './progress';

interface SplitResult {
  loss: number;
  accuracy: number;
  examples: number;
}

export interface Outcome {
  status: 'finished' | 'stopped' | 'failed';
  message: string;
  device: DeviceInfo | null;
  /** Updates done in total (`steps`), and in this process. */
  steps: number;
  stepsHere: number;
  /** Speed of this process from its first event to its last row, evaluations and snapshots included. */
  stepsPerSecond: number;
  stepMs: { median: number; p95: number };
  elapsedSeconds: number;
  loss: number;
  accuracy: number;
  validation: SplitResult | null;
  test: SplitResult | null;
  /** Step of the tested parameters. */
  parametersStep: number | null;
  /** SHA-256 of the last checkpoint: equal for equal runs. */
  checkpoint: string | null;
}

/** Reads a run's events and keeps the values of its result. */
export class ResultKeeper {
  readonly #startedMs: number;
  readonly #stepMs: number[] = [];
  #columns: Series[] = [];
  #lastRowMs: number;
  #last: Float64Array = new Float64Array();
  #outcome: Pick<Outcome, 'status' | 'message'> = { status: 'failed', message: 'training ended without saying how' };
  #device: DeviceInfo | null = null;
  #steps = 0;
  #final: { validation: Evaluation | null; test: Evaluation | null } = { validation: null, test: null };
  #checkpoint: string | null = null;

  constructor(private readonly clock: () => number) {
    this.#startedMs = clock();
    this.#lastRowMs = this.#startedMs;
  }

  add(event: TrainerEvent): void {
    switch (event.type) {
      case 'started':
        if (event.streams) this.#columns = event.streams.flatMap((s) => s.columns);
        this.#device = event.device;
        this.#steps = event.step;
        return;
      case 'rows': {
        const width = this.#columns.length;
        const stepMs = this.#columns.findIndex((c) => c.role === 'stepMs');
        for (let r = 0; r < rowCount(event); r++) this.#stepMs.push(event.values[r * width + stepMs]!);
        this.#last = event.values.slice(-width);
        this.#steps = lastStepOf(event) + 1;
        this.#lastRowMs = this.clock();
        return;
      }
      case 'evaluation':
        if (event.trigger === 'end' && (event.split === 'validation' || event.split === 'test')) this.#final[event.split] = event;
        return;
      case 'checkpoint':
        this.#checkpoint = event.blob.hash;
        return;
      case 'status':
        if (event.status === 'finished' || event.status === 'stopped' || event.status === 'failed')
          this.#outcome = { status: event.status, message: event.message };
        return;
      default:
    }
  }

  outcome(): Outcome {
    const sorted = [...this.#stepMs].sort((a, b) => a - b);
    const quantile = (q: number) => sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? Number.NaN;
    const trainedSeconds = (this.#lastRowMs - this.#startedMs) / 1000;
    const of = (role: SeriesRole) => this.#last[this.#columns.findIndex((c) => c.role === role)] ?? Number.NaN;
    const { validation, test } = this.#final;
    const split = (e: Evaluation | null): SplitResult | null =>
      e && {
        loss: metricWithRole(e, 'loss')?.value ?? Number.NaN,
        accuracy: metricWithRole(e, 'accuracy')?.value ?? Number.NaN,
        examples: e.examples ?? 0,
      };
    return {
      ...this.#outcome,
      device: this.#device,
      steps: this.#steps,
      stepsHere: sorted.length,
      stepsPerSecond: trainedSeconds > 0 ? sorted.length / trainedSeconds : 0,
      stepMs: { median: quantile(0.5), p95: quantile(0.95) },
      elapsedSeconds: (this.clock() - this.#startedMs) / 1000,
      loss: of('loss'),
      accuracy: of('accuracy'),
      validation: split(validation),
      test: split(test),
      parametersStep: test && evaluatedStep(test),
      checkpoint: this.#checkpoint,
    };
  }
}

/** JSON has no NaN: it becomes the text "NaN". */
export const toJson = (outcome: Outcome): string =>
  JSON.stringify(outcome, (_key, value) => (typeof value === 'number' && !Number.isFinite(value) ? String(value) : value));

export function toText(o: Outcome): string {
  const line = (name: string, r: SplitResult | null) =>
    r ? [`${name} accuracy ${formatPercent(r.accuracy)}, loss ${short(r.loss)} (${r.examples} examples)`] : [];
  return [
    ...line('validation', o.validation),
    ...line('test', o.test),
    `${o.status}: ${o.message}`,
    ...(o.stepsHere === 0 ? [] : [speed(o)]),
  ].join('\n');
}

const speed = (o: Outcome): string =>
  `${o.stepsHere} steps in ${o.elapsedSeconds.toFixed(1)} s: ${pace(o.stepsPerSecond)}, median ${o.stepMs.median.toFixed(2)} ms` +
  (o.device ? ` on ${o.device.backend} (${o.device.device})` : '');
