/** What `npm run train` shows while it trains: a bar on a terminal, an occasional line elsewhere. */
import { evaluatedStep } from '~/shared/evaluations';
import type { EvaluationMetric, TrainerEvent } from '~/shared/events';
import { formatPercent } from '~/shared/numbers';
import { lastStepOf } from '~/shared/rows';
import type { Series, SeriesRole } from '~/shared/series';

const plainEveryMs = 10_000;
const barEveryMs = 100;
const barWidth = 24;

export class Progress {
  #columns: Series[] = [];
  #total = 1;
  #step = 0;
  #row: Float64Array = new Float64Array();
  #shownMs = Number.NEGATIVE_INFINITY;

  constructor(
    private readonly out: { write(text: string): unknown; isTTY?: boolean },
    private readonly clock: () => number,
  ) {}

  show(event: TrainerEvent): void {
    switch (event.type) {
      case 'started':
        if (event.streams) this.#columns = event.streams.flatMap((s) => s.columns);
        this.#total = event.lengths?.totalSteps ?? 1;
        this.#step = event.step;
        return;
      case 'rows':
        this.#step = lastStepOf(event) + 1;
        this.#row = event.values.subarray(-this.#columns.length);
        this.#tick();
        return;
      case 'evaluation': {
        const at = evaluatedStep(event);
        this.line(
          `step ${event.step}: ${event.split} ${describeMetrics(event.metrics)}` +
            (at === event.step ? '' : ` (parameters of step ${at})`),
        );
        return;
      }
      case 'alert':
        this.line(`step ${event.step}: ${event.message}`);
        return;
      case 'command.refused':
        this.line(`refused: ${event.message}`);
        return;
      default:
    }
  }

  /** Prints a line that stays visible. */
  line(text: string): void {
    this.out.write(this.out.isTTY ? `\r\x1b[K${text}\n` : `${text}\n`);
    this.#shownMs = Number.NEGATIVE_INFINITY;
    if (this.out.isTTY) this.#tick();
    else this.#shownMs = this.clock();
  }

  /** Removes the bar. */
  end(): void {
    if (this.out.isTTY) this.out.write('\r\x1b[K');
  }

  #tick(): void {
    if (this.#row.length === 0) return;
    const now = this.clock();
    if (now - this.#shownMs < (this.out.isTTY ? barEveryMs : plainEveryMs)) return;
    this.#shownMs = now;
    const of = (role: SeriesRole) => this.#row[this.#columns.findIndex((c) => c.role === role)]!;
    const rate = of('stepsPerSecond');
    const left = rate > 0 ? `, ${duration((this.#total - this.#step) / rate)} left` : '';
    const text = `step ${this.#step}/${this.#total}  loss ${short(of('loss'))}  accuracy ${formatPercent(of('accuracy'))}  ${pace(rate)}${left}`;
    if (!this.out.isTTY) {
      this.out.write(`${text}\n`);
      return;
    }
    const filled = Math.min(barWidth, Math.round((barWidth * this.#step) / this.#total));
    this.out.write(`\r\x1b[K[${'#'.repeat(filled)}${'.'.repeat(barWidth - filled)}] ${text}`);
  }
}

/** "accuracy 98.1 %, loss 0.05, perplexity 1.3": accuracies first. */
export function describeMetrics(metrics: readonly EvaluationMetric[]): string {
  const ordered = [...metrics.filter((m) => m.role === 'accuracy'), ...metrics.filter((m) => m.role !== 'accuracy')];
  return ordered.map((m) => `${m.name} ${m.role === 'accuracy' ? formatPercent(m.value) : short(m.value)}`).join(', ');
}

export const short = (x: number): string => (Number.isFinite(x) ? x.toPrecision(4) : String(x));

/** "2.0 steps/s"; of steps of more than ten seconds "1 min 40 s per step". */
export const pace = (stepsPerSecond: number): string =>
  stepsPerSecond > 0 && stepsPerSecond < 0.1
    ? `${duration(1 / stepsPerSecond)} per step`
    : `${stepsPerSecond.toFixed(1)} steps/s`;

function duration(seconds: number): string {
  const s = Math.max(0, Math.round(seconds));
  if (s < 60) return `${s} s`;
  return s < 3600 ? `${Math.floor(s / 60)} min ${s % 60} s` : `${Math.floor(s / 3600)} h ${Math.floor((s % 3600) / 60)} min`;
}
