import type { Entry, Series } from '~/shared/events';
import { unreachable } from '~/shared/unreachable';
import type { RunView } from '~/shared/view';
import type { Watchdog, WatchdogKind } from '~/shared/watchdogs';
import { Window } from './window';

/** A rule saw what it looks for: at which step, and the evidence in one sentence. */
export interface Firing {
  kind: WatchdogKind;
  step: number;
  message: string;
}

/** One rule's memory. A rule that fired is silent until what it saw has passed, so that one event is one alarm. */
interface Rule<R extends Watchdog = Watchdog> {
  readonly rule: R;
  row?(step: number, loss: number, gradNorm: number): string | null;
  signals?(step: number, signals: Record<string, number[]>, chanceLoss: number): string | null;
  tick?(view: RunView, now: number, freeBytes: number | null): string | null;
  reset(): void;
}

/** Watches one run. Pure: entries and the time come in, firings go out; whoever owns it acts on them. */
export class Watch {
  readonly #rules: Rule[];
  readonly #fired = new Set<WatchdogKind>();
  #lossAt = -1;
  #gradNormAt = -1;
  #lastLoss = Number.NaN;

  /** @param series the run's columns, where it has started already */
  constructor(rules: readonly Watchdog[], series: readonly Series[] = []) {
    this.#rules = rules.filter((r) => r.enabled).map(open);
    this.#read(series);
  }

  #read(series: readonly Series[]): void {
    this.#lossAt = series.findIndex((s) => s.name === 'loss');
    this.#gradNormAt = series.findIndex((s) => s.name === 'gradNorm');
  }

  /** @param view the run, for its columns and config */
  entry(view: RunView, entry: Entry): Firing[] {
    const { event } = entry;
    if (event.type === 'run.assigned') {
      for (const r of this.#rules) r.reset();
      return [];
    }
    if (event.type === 'run.started') {
      this.#read(event.series);
      return [];
    }
    if (event.type === 'snapshot') {
      const chance = chanceLoss(view);
      return this.#ask(event.step, (r) => r.signals?.(event.step, { ...event.signals, loss: [this.#lastLoss] }, chance));
    }
    if (event.type !== 'steps' || this.#lossAt < 0) return [];
    const width = view.series.length;
    const firings: Firing[] = [];
    for (let i = 0; i < event.count; i++) {
      const loss = event.values[i * width + this.#lossAt]!;
      const gradNorm = this.#gradNormAt < 0 ? 0 : event.values[i * width + this.#gradNormAt]!;
      this.#lastLoss = loss;
      firings.push(...this.#ask(event.firstStep + i, (r) => r.row?.(event.firstStep + i, loss, gradNorm)));
    }
    return firings;
  }

  /** To be called every second or so. @param freeBytes of the data folder's disk; null = not known */
  tick(view: RunView, now: number, freeBytes: number | null): Firing[] {
    return this.#ask(view.step, (r) => r.tick?.(view, now, freeBytes));
  }

  /** `undefined` = the rule has no opinion on this kind of news; `null` = all is well again. */
  #ask(step: number, question: (r: Rule) => string | null | undefined): Firing[] {
    const firings: Firing[] = [];
    for (const r of this.#rules) {
      const message = question(r);
      if (message === undefined) continue;
      if (message === null) this.#fired.delete(r.rule.kind);
      else if (!this.#fired.has(r.rule.kind)) {
        this.#fired.add(r.rule.kind);
        firings.push({ kind: r.rule.kind, step, message });
      }
    }
    return firings;
  }
}

/** Loss of a model that knows nothing: the logarithm of the number of equally likely answers. */
function chanceLoss({ config: { task } }: RunView): number {
  return Math.log(task.kind === 'reverse' ? task.numClasses : task.setSize);
}

function open(rule: Watchdog): Rule {
  switch (rule.kind) {
    case 'not-finite':
      return {
        rule,
        row: (step, loss, gradNorm) =>
          Number.isFinite(loss) && Number.isFinite(gradNorm)
            ? null
            : `at step ${step} ${Number.isFinite(loss) ? `the gradient norm is ${gradNorm}` : `the loss is ${loss}`}`,
        reset() {},
      };
    case 'loss-spike': {
      const window = new Window(rule.window);
      return {
        rule,
        row(step, loss) {
          if (!Number.isFinite(loss)) return null;
          const { mean, deviation } = window.spread();
          const high = window.full && loss > mean + rule.sigmas * deviation;
          window.push(loss);
          return high
            ? `at step ${step} the loss is ${show(loss)}, ${show((loss - mean) / deviation)} standard deviations above its mean ${show(mean)} over ${rule.window} steps`
            : null;
        },
        reset: () => window.clear(),
      };
    }
    case 'gradient-spike': {
      const window = new Window(rule.window);
      return {
        rule,
        row(step, _loss, gradNorm) {
          if (!Number.isFinite(gradNorm)) return null;
          // The median costs a sort: only a value that could fire asks for it.
          const median = window.full ? window.median() : Number.POSITIVE_INFINITY;
          window.push(gradNorm);
          return gradNorm > rule.factor * median
            ? `at step ${step} the gradient norm is ${show(gradNorm)}, ${show(gradNorm / median)} times its median ${show(median)} over ${rule.window} steps`
            : null;
        },
        reset: () => window.clear(),
      };
    }
    case 'plateau': {
      let smooth = Number.NaN;
      let best = Number.POSITIVE_INFINITY;
      let bestStep = -1;
      return {
        rule,
        row(step, loss) {
          if (!Number.isFinite(loss)) return null;
          smooth = Number.isNaN(smooth) ? loss : smooth + 0.05 * (loss - smooth);
          if (bestStep < 0 || smooth < best * (1 - rule.improvement)) {
            best = smooth;
            bestStep = step;
          }
          return step - bestStep >= rule.steps
            ? `the smoothed loss has not fallen by ${rule.improvement * 100} % below ${show(best)} since step ${bestStep}`
            : null;
        },
        reset() {
          smooth = Number.NaN;
          best = Number.POSITIVE_INFINITY;
          bestStep = -1;
        },
      };
    }
    case 'collapse': {
      let since: number | null = null;
      return {
        rule,
        signals(step, { entropy, loss }, chance) {
          const sharpest = Math.min(...(entropy ?? []).filter(Number.isFinite));
          const stuck = sharpest < rule.entropyBelow && !(loss![0]! < rule.lossAbove * chance);
          if (!stuck) since = null;
          else since ??= step;
          return since !== null && step - since >= rule.steps
            ? `attention is nearly one-hot (entropy ${show(sharpest)} of 1) while the loss ${show(loss![0]!)} stays near chance (${show(chance)}), since step ${since}`
            : null;
        },
        reset() {
          since = null;
        },
      };
    }
    case 'stalled': {
      let seen = -1;
      let seenAt = 0;
      return {
        rule,
        tick(view, now) {
          if (view.step !== seen || view.status !== 'running') {
            seen = view.step;
            seenAt = now;
          }
          return now - seenAt >= rule.seconds * 1000
            ? `no step for ${Math.round((now - seenAt) / 1000)} s; the run stands at step ${view.step} and says it is running`
            : null;
        },
        reset() {
          seen = -1;
        },
      };
    }
    case 'disk':
      return {
        rule,
        tick: (_view, _now, freeBytes) =>
          freeBytes !== null && freeBytes < rule.freeBytesBelow
            ? `the data folder's disk has ${show(freeBytes / 1e9)} GB left`
            : null,
        reset() {},
      };
    default:
      return unreachable(rule);
  }
}

const show = (value: number): string => String(Number(value.toPrecision(4)));
