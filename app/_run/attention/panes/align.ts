import type { Curve } from '~/app/_charts/curve';
import { count } from '~/app/_components/format';
import type { Comparison } from '~/app/_live/comparison';
import { lowestLoss, stepAtLoss } from '~/app/_live/equalLoss';

/** What is needed to align the steps of a run with those of another: by step, epoch, or equal smoothed loss. */
export interface RunAxis {
  /** Number of steps done so far. */
  lastStep: number;
  /** 0 = not known yet. */
  stepsPerEpoch: number;
  /** The smoothed loss; null = none yet. */
  loss: Curve | null;
}

/** The aligned step of another run; `problem` says, in words, why the match is not exact. */
export interface Beside {
  step: number;
  problem: string | null;
}

/**
 * The step of `to` that is aligned with `step` of `from`. `equal loss`: the first step at which the smoothed loss of `to` is as low as the lowest of `from` up
 * to `step`, so that moving forward in one run never moves back in the other. Without an exact match: the nearest step, and why.
 */
export function stepBeside(align: Comparison['align'], from: RunAxis, step: number, to: RunAxis): Beside {
  if (from === to) return { step, problem: null };
  switch (align) {
    case 'step':
      return upTo(to, step, `it has ${count(to.lastStep)} steps`);
    case 'epoch': {
      if (from.stepsPerEpoch === 0 || to.stepsPerEpoch === 0) return { step, problem: 'its epochs are not known: same step' };
      const epoch = step / from.stepsPerEpoch;
      return upTo(
        to,
        Math.round(epoch * to.stepsPerEpoch),
        `it has ${Number((to.lastStep / to.stepsPerEpoch).toFixed(2))} epochs`,
      );
    }
    case 'equal loss': {
      const level = from.loss && lowestLoss(from.loss, step);
      if (level === null || !to.loss) return { step: Math.min(step, to.lastStep), problem: 'no loss: same step' };
      const found = stepAtLoss(to.loss, level);
      return found === null
        ? { step: to.lastStep, problem: `its loss never was as low as ${Number(level.toPrecision(3))}` }
        : { step: found, problem: null };
    }
  }
}

const upTo = (to: RunAxis, step: number, problem: string): Beside =>
  step <= to.lastStep ? { step, problem: null } : { step: to.lastStep, problem };
