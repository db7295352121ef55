/** What each kind of rule looks for, and what it says. */
import { CollapseWatch } from '~/shared/collapse';
import { isBetter } from '~/shared/columns';
import type { Better } from '~/shared/series';
import { unreachable } from '~/shared/unreachable';
import type { RunView } from '~/shared/view';
import { firstStepTakes, gradientsNotFinite, slowStepTakes, type Watchdog } from '~/shared/watchdogs';
import { Window } from './window';

/** Values of a row that rules use; left out: not in its stream. */
export interface Seen {
  loss?: number | undefined;
  /** Further losses that the run has. */
  losses: readonly (readonly [name: string, value: number])[];
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
export interface Rule<R extends Watchdog = Watchdog> {
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

/** Steps from the first alarm that a number is not finite to its first repetition. */
const firstRepeat = 100;

export function openRule(rule: Watchdog): Rule {
  switch (rule.kind) {
    case 'not-finite': {
      const newest = { loss: 0, gradNorm: 0 };
      /** Further losses whose newest value is not finite. */
      const furtherNotFinite = new Map<string, number>();
      /** Newest gradient norms, in a row, that are not finite. */
      let bad = 0;
      let since: number | null = null;
      let tellAgainAt = 0;
      const wrong = (step: number): string | null => {
        if (!Number.isFinite(newest.loss)) return `at step ${step} the loss is ${newest.loss}`;
        for (const [name, value] of furtherNotFinite) return `at step ${step} ${name} is ${value}`;
        return bad < gradientsNotFinite
          ? null
          : `at step ${step} the gradient norm is ${newest.gradNorm}, as in the ${gradientsNotFinite - 1} rows before`;
      };
      return {
        rule,
        // They may be logged in different streams: the condition has ended when all newest values are finite.
        row(step, { loss, losses, gradNorm }) {
          newest.loss = loss ?? newest.loss;
          for (const [name, value] of losses)
            Number.isFinite(value) ? furtherNotFinite.delete(name) : furtherNotFinite.set(name, value);
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
          furtherNotFinite.clear();
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
      /** Longest time between two steps, older ones counting less; null until a step is seen. */
      let apart: number | null = null;
      return {
        rule,
        tick(view, now) {
          if (view.step !== seen || view.status !== 'running') {
            if (seen !== null && view.step !== seen) apart = Math.max(now - seenAt, 0.9 * (apart ?? 0));
            seen = view.step;
            seenAt = now;
          }
          const least = rule.seconds * 1000;
          return now - seenAt >= (apart === null ? firstStepTakes * least : Math.max(least, slowStepTakes * apart))
            ? `no step for ${Math.round((now - seenAt) / 1000)} s; the run stands at step ${view.step} and says it is running`
            : null;
        },
        reset() {
          seen = null;
          apart = null;
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
