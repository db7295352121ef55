/** What `npm run train` shows while it trains: a bar on a terminal, a line now and then elsewhere. */
import type { TrainerEvent } from '~/shared/events';
import { percent } from '~/trainer/base/words';

const plainEveryMs = 10_000;
const barEveryMs = 100;
const barWidth = 24;

export class Progress {
  readonly #out: { write(text: string): unknown; isTTY?: boolean };
  readonly #clock: () => number;
  #columns: string[] = [];
  #total = 1;
  #step = 0;
  #row: Float64Array = new Float64Array();
  #shownMs = Number.NEGATIVE_INFINITY;

  constructor(out: { write(text: string): unknown; isTTY?: boolean }, clock: () => number) {
    this.#out = out;
    this.#clock = clock;
  }

  show(event: TrainerEvent): void {
    switch (event.type) {
      case 'run.started':
        this.#columns = event.series.map((s) => s.name);
        this.#total = event.totalSteps;
        this.#step = event.step;
        return;
      case 'steps':
        this.#step = event.firstStep + event.count;
        this.#row = event.values.subarray((event.count - 1) * this.#columns.length);
        this.#tick();
        return;
      case 'evaluation':
        this.line(
          `step ${event.step}: ${event.split} accuracy ${percent(event.accuracy)}, loss ${short(event.loss)}` +
            (event.parametersStep === event.step ? '' : ` (parameters of step ${event.parametersStep})`),
        );
        return;
      case 'alert':
        this.line(`step ${event.step}: ${event.message}`);
        return;
      case 'command.refused':
        this.line(`refused: ${event.message}`);
        return;
      default:
    }
  }

  /** A line that stays. */
  line(text: string): void {
    this.#out.write(this.#out.isTTY ? `\r\x1b[K${text}\n` : `${text}\n`);
    this.#shownMs = Number.NEGATIVE_INFINITY;
    if (this.#out.isTTY) this.#tick();
    else this.#shownMs = this.#clock();
  }

  /** Takes the bar away. */
  end(): void {
    if (this.#out.isTTY) this.#out.write('\r\x1b[K');
  }

  #tick(): void {
    if (this.#row.length === 0) return;
    const now = this.#clock();
    if (now - this.#shownMs < (this.#out.isTTY ? barEveryMs : plainEveryMs)) return;
    this.#shownMs = now;
    const of = (name: string) => this.#row[this.#columns.indexOf(name)]!;
    const rate = of('stepsPerSecond');
    const left = rate > 0 ? `, ${duration((this.#total - this.#step) / rate)} left` : '';
    const text = `step ${this.#step}/${this.#total}  loss ${short(of('loss'))}  accuracy ${percent(of('accuracy'))}  ${rate.toFixed(1)} steps/s${left}`;
    if (!this.#out.isTTY) {
      this.#out.write(`${text}\n`);
      return;
    }
    const filled = Math.min(barWidth, Math.round((barWidth * this.#step) / this.#total));
    this.#out.write(`\r\x1b[K[${'#'.repeat(filled)}${'.'.repeat(barWidth - filled)}] ${text}`);
  }
}

export const short = (x: number): string => (Number.isFinite(x) ? x.toPrecision(4) : String(x));

function duration(seconds: number): string {
  const s = Math.max(0, Math.round(seconds));
  if (s < 60) return `${s} s`;
  return s < 3600 ? `${Math.floor(s / 60)} min ${s % 60} s` : `${Math.floor(s / 3600)} h ${Math.floor((s % 3600) / 60)} min`;
}
