import { formatStep } from '~/app/_charts/format';

/** Which snapshot the panels show at this step, in words. */
export function snapshotWords(step: number, nearest: number | null): string {
  if (nearest === null) return 'no snapshot yet';
  return nearest === step
    ? `snapshot at step ${formatStep(step)}`
    : `step ${formatStep(step)}: nearest snapshot ${formatStep(nearest)}`;
}
