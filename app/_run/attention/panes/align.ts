import type { Curve } from '~/app/_charts/curve';
import type { Comparison } from '~/app/_live/comparison';
import { lowestLoss, stepAtLoss } from '~/app/_live/equalLoss';

/** What of a run decides which of its steps stands beside which of another's. */
export interface RunAxis {
  /** Steps it has so far. */
  lastStep: number;
  /** 0 = not known yet. */
  stepsPerEpoch: number;
  /** The loss, smoothed; null = none yet. */
  loss: Curve | null;
}

/** A step of one run beside a step of another; why it is not quite that, in words. */
export interface Beside {
  step: number;
  problem: string | null;
}

/**
 * The step of `to` that stands beside `step` of `from`. `equal loss`: the first step by which its smoothed loss was as low as the other's lowest was by then, so that
 * moving forward in one never moves back in the other. Where there is none, the nearest there is, and why.
 */
export function stepBeside(align: Comparison['align'], from: RunAxis, step: number, to: RunAxis): Beside {
  if (from === to) return { step, problem: null };
  switch (align) {
    case 'step':
      return upTo(to, step, `it has ${to.lastStep} steps`);
    case 'epoch': {
      if (from.stepsPerEpoch === 0 || to.stepsPerEpoch === 0) return { step, problem: 'its epochs are not known yet: same step' };
      const epoch = step / from.stepsPerEpoch;
      return upTo(
        to,
        Math.round(epoch * to.stepsPerEpoch),
        `it has ${Number((to.lastStep / to.stepsPerEpoch).toFixed(2))} epochs`,
      );
    }
    case 'equal loss': {
      const level = from.loss && lowestLoss(from.loss, step);
      if (level === null || !to.loss) return { step: Math.min(step, to.lastStep), problem: 'no loss yet: same step' };
      const found = stepAtLoss(to.loss, level);
      return found === null
        ? { step: to.lastStep, problem: `its loss never was as low as ${Number(level.toPrecision(3))}` }
        : { step: found, problem: null };
    }
  }
}

const upTo = (to: RunAxis, step: number, problem: string): Beside =>
  step <= to.lastStep ? { step, problem: null } : { step: to.lastStep, problem };
