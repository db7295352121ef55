import { CollapseWatch } from '~/shared/collapse';
import { betterOf, isBetter } from '~/shared/columns';
import { mainMetric } from '~/shared/evaluations';
import type { Entry } from '~/shared/events';
import { rowCount, stepAt } from '~/shared/rows';
import type { Better, Rows } from '~/shared/series';
import { mainSeries, type StreamHead, seriesWithRole } from '~/shared/streams';
import { unreachable } from '~/shared/unreachable';
import type { RunView } from '~/shared/view';
import { gradientsNotFinite, type Watchdog, type WatchdogKind } from '~/shared/watchdogs';
import { Window } from './window';

/** A rule has fired: at which step, and the evidence in one sentence. */
export interface Firing {
  kind: WatchdogKind;
  step: number;
  message: string;
}

/** Values of a row that rules use; left out: not in its stream. */
interface Seen {
  loss?: number | undefined;
  gradNorm?: number | undefined;
}

/** How good the run is: its declared main metric (a series, or a metric of its evaluations), else the training loss. */
interface Progress {
  name: string;
  value: number;
  better: Better;
  /** It is measured at every step and fluctuates: its moving average is used. */
  noisy: boolean;
}

/**
 * One rule's state. A rule that fired stays silent until its condition has ended, so that one incident is one alarm; only a rule
 * with `again` repeats it.
 */
interface Rule<R extends Watchdog = Watchdog> {
  readonly rule: R;
  row?(step: number, seen: Seen): string | null | undefined;
  /** For the main metric, else for the loss. */
  progress?(step: number, seen: Progress): string | null | undefined;
  /**
   * @param entropy normalized, of every head; loss: at the last step before, NaN = not known; chanceLoss: of a model that has
   *   learned nothing
   */
  snapshot?(step: number, entropy: readonly number[], loss: number, chanceLoss: number): string | null | undefined;
  tick?(view: RunView, now: number, freeBytes: number | null): string | null;
  /** The run was resumed: people may believe that the condition has ended. */
  resumed?(): void;
  /** Asked while the condition lasts after an alarm. @returns whether it is time to tell it again */
  again?(step: number): boolean;
  /** The run begins a new attempt or goes back: what was seen no longer counts. */
  reset?(): void;
}

/** Column indices in a stream's rows; null: not in this stream. */
interface Columns {
  width: number;
  loss: number | null;
  gradNorm: number | null;
  main: number | null;
}

/** Watches one run, using the roles of its series. Pure: takes entries and the time, returns firings; the caller acts on them. */
export class Watch {
  readonly #rules: Rule[];
  readonly #fired = new Set<WatchdogKind>();
  #streams: RunView['streams'] | null = null;
  readonly #columns = new Map<string, Columns>();
  #lastLoss = Number.NaN;

  constructor(rules: readonly Watchdog[]) {
    this.#rules = rules.filter((r) => r.enabled).map(open);
  }

  /** @param view the run's view after the entry, for its series and their roles */
  entry(view: RunView, entry: Entry): Firing[] {
    const { event } = entry;
    if (event.type === 'run.assigned' || event.type === 'rewind') {
      for (const r of this.#rules) {
        if (!r.reset) continue;
        r.reset();
        this.#fired.delete(r.rule.kind);
      }
      return [];
    }
    if (event.type === 'status' && event.status === 'running') {
      for (const r of this.#rules) r.resumed?.();
      return [];
    }
    if (event.type === 'snapshot') {
      const entropy = event.signals.find((s) => s.role === 'entropy')?.values;
      if (!entropy) return [];
      const chance = chanceLoss(view);
      return this.#ask(event.step, (r) => r.snapshot?.(event.step, entropy, this.#lastLoss, chance));
    }
    if (event.type === 'evaluation') {
      const main = mainSeries(view) ? null : mainMetric(event);
      return main ? this.#ask(event.step, (r) => r.progress?.(event.step, { ...main, noisy: false })) : [];
    }
    return event.type === 'rows' ? this.#rows(view, event) : [];
  }

  #rows(view: RunView, event: Rows): Firing[] {
    const columns = this.#columnsOf(view, event.stream);
    if (!columns || (columns.loss === null && columns.gradNorm === null && columns.main === null)) return [];
    const { width, loss: lossAt, gradNorm: gradNormAt, main: mainAt } = columns;
    const main = mainSeries(view);
    const measure = { name: main?.name ?? 'smoothed loss', better: main ? betterOf(main) : 'lower', noisy: !main } as const;
    const progressAt = main ? mainAt : view.best ? null : lossAt;
    const firings: Firing[] = [];
    for (let i = 0; i < rowCount(event); i++) {
      const value = (at: number | null) => (at === null ? undefined : event.values[i * width + at]!);
      const seen: Seen = { loss: value(lossAt), gradNorm: value(gradNormAt) };
      if (seen.loss !== undefined) this.#lastLoss = seen.loss;
      const step = stepAt(event, i);
      firings.push(...this.#ask(step, (r) => r.row?.(step, seen)));
      const progress = value(progressAt);
      if (progress !== undefined) firings.push(...this.#ask(step, (r) => r.progress?.(step, { ...measure, value: progress })));
    }
    return firings;
  }

  #columnsOf(view: RunView, stream: string): Columns | undefined {
    if (this.#streams?.length !== view.streams.length || this.#streams.some((s, i) => s.columns !== view.streams[i]!.columns)) {
      this.#columns.clear();
      const of = (role: 'loss' | 'gradNorm') => seriesWithRole(view, role);
      const place = (s: StreamHead, series: ReturnType<typeof of>): number | null => {
        const i = series?.stream === s.name ? s.columns.findIndex((c) => c.name === series.name) : -1;
        return i < 0 ? null : (s.at?.[i] ?? i);
      };
      for (const s of view.streams)
        this.#columns.set(s.name, {
          width: s.width,
          loss: place(s, of('loss')),
          gradNorm: place(s, of('gradNorm')),
          main: place(s, mainSeries(view)),
        });
    }
    this.#streams = view.streams;
    return this.#columns.get(stream);
  }

  /** Must be called about every second. @param freeBytes of the data folder's disk; null = not known */
  tick(view: RunView, now: number, freeBytes: number | null): Firing[] {
    return this.#ask(view.step, (r) => r.tick?.(view, now, freeBytes));
  }

  /** `undefined` = the rule does not use this kind of input; `null` = the condition has ended. */
  #ask(step: number, question: (r: Rule) => string | null | undefined): Firing[] {
    const firings: Firing[] = [];
    for (const r of this.#rules) {
      const message = question(r);
      if (message === undefined) continue;
      if (message === null) this.#fired.delete(r.rule.kind);
      else if (!this.#fired.has(r.rule.kind) || r.again?.(step)) {
        this.#fired.add(r.rule.kind);
        firings.push({ kind: r.rule.kind, step, message });
      }
    }
    return firings;
  }
}

/** Loss of a model that ignores its input; NaN where the run does not declare it: then no loss counts as near it. */
const chanceLoss = (view: RunView): number => seriesWithRole(view, 'loss')?.chance ?? Number.NaN;

/** Steps from the first alarm that a number is not finite to its first repetition. */
const firstRepeat = 100;

function open(rule: Watchdog): Rule {
  switch (rule.kind) {
    case 'not-finite': {
      const newest = { loss: 0, gradNorm: 0 };
      /** Newest gradient norms, in a row, that are not finite. */
      let bad = 0;
      let since: number | null = null;
      let tellAgainAt = 0;
      const wrong = (step: number): string | null => {
        if (!Number.isFinite(newest.loss)) return `at step ${step} the loss is ${newest.loss}`;
        return bad < gradientsNotFinite
          ? null
          : `at step ${step} the gradient norm is ${newest.gradNorm}, as in the ${gradientsNotFinite - 1} rows before`;
      };
      return {
        rule,
        // The two may be logged in different streams: the condition has ended when both newest values are finite.
        row(step, { loss, gradNorm }) {
          newest.loss = loss ?? newest.loss;
          newest.gradNorm = gradNorm ?? newest.gradNorm;
          if (gradNorm !== undefined) bad = Number.isFinite(gradNorm) ? 0 : bad + 1;
          const message = wrong(step);
          if (message === null) since = null;
          else if (since === null) {
            since = step;
            tellAgainAt = step + firstRepeat;
          } else return `${message}; it has not been finite since step ${since}`;
          return message;
        },
        resumed() {
          tellAgainAt = 0;
        },
        // At twice the number of steps each time: what nobody looks at for a week is told about twenty times, not thousands.
        again(step) {
          if (step < tellAgainAt) return false;
          tellAgainAt = step + Math.max(firstRepeat, step - (since ?? step));
          return true;
        },
        reset() {
          newest.loss = 0;
          bad = 0;
          since = null;
        },
      };
    }
    case 'loss-spike': {
      const window = new Window(rule.window);
      return {
        rule,
        row(step, { loss }) {
          if (loss === undefined) return undefined;
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
        row(step, { gradNorm }) {
          if (gradNorm === undefined) return undefined;
          if (!Number.isFinite(gradNorm)) return null;
          // The median costs a sort: computed only for a value that could fire.
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
      let seen: { name: string; now: number; best: number; bestStep: number } | null = null;
      return {
        rule,
        progress(step, { name, value, better, noisy }) {
          if (!Number.isFinite(value)) return null;
          if (seen?.name !== name) seen = { name, now: value, best: value, bestStep: step };
          seen.now = noisy ? seen.now + 0.05 * (value - seen.now) : value;
          const least = Math.abs(seen.best) * rule.improvement;
          if (isBetter(better, seen.now, better === 'higher' ? seen.best + least : seen.best - least))
            seen = { ...seen, best: seen.now, bestStep: step };
          if (step - seen.bestStep < rule.steps) return null;
          const [moved, side] = better === 'higher' ? ['risen', 'above'] : ['fallen', 'below'];
          return `the ${name} has not ${moved} by ${rule.improvement * 100} % ${side} ${show(seen.best)} since step ${seen.bestStep}`;
        },
        reset() {
          seen = null;
        },
      };
    }
    case 'collapse': {
      const watch = new CollapseWatch({ ...rule, heldSteps: rule.steps });
      return {
        rule,
        snapshot(step, entropy, loss, chance) {
          if (Number.isNaN(loss)) return undefined;
          const seen = watch.see({ step, entropy, loss }, chance);
          return seen
            ? `attention is nearly one-hot (entropy ${show(seen.entropy)} of 1) while the loss ${show(loss)} stays near chance (${show(chance)}), since step ${seen.sinceStep}`
            : null;
        },
        reset: () => watch.reset(),
      };
    }
    case 'stalled': {
      let seen: number | null = null;
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
          seen = null;
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
      };
    default:
      return unreachable(rule);
  }
}

const show = (value: number): string => String(Number(value.toPrecision(4)));
