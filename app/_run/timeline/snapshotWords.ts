import { formatStep } from '~/app/_charts/format';
import { useCursor } from '~/app/_live/cursor';
import { useNear, useSample } from '~/app/_live/lists';
import { nearestIndex } from '~/app/_live/recorded';

/** Which snapshot the panels show at this step, in words; empty when there is none. */
export function snapshotWords(step: number, nearest: number | null): string {
  if (nearest === null) return '';
  return nearest === step
    ? `snapshot at step ${formatStep(step)}`
    : `step ${formatStep(step)}: nearest snapshot ${formatStep(nearest)}`;
}

/** The words for the step shown. */
export function useSnapshotWords(): string {
  const step = useCursor((c) => c.step);
  const snapshots = useSample('snapshots');
  useNear('snapshots', step);
  return snapshotWords(step, snapshots[nearestIndex(snapshots, step)]?.step ?? null);
}
