import { formatStep } from '~/app/_charts/format';

/** The rule by which panels choose a snapshot, in words for this step. */
export function snapshotWords(step: number, nearest: number | null): string {
  if (nearest === null) return 'no snapshot yet';
  return nearest === step
    ? `snapshot at step ${formatStep(step)}`
    : `step ${formatStep(step)}: nearest snapshot ${formatStep(nearest)}`;
}
