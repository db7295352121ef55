import { formatStep } from '~/app/_charts/format';
import { useCursor } from '~/app/_live/cursor';
import { useNear, useSample } from '~/app/_live/lists';
import { nearestIndex } from '~/app/_live/recorded';
import { useView } from '~/app/_live/useRun';

/** Which snapshot the panels show at this step, in words; empty when there is none. */
export function snapshotWords(step: number, nearest: number | null, head = Number.POSITIVE_INFINITY): string {
  // A link, or a mark from before a revert, may name a step that the run does not have.
  if (step > head) return `this run has no step ${formatStep(step)}: it is at ${formatStep(head)}`;
  if (nearest === null) return '';
  return nearest === step
    ? `snapshot at step ${formatStep(step)}`
    : `step ${formatStep(step)}: nearest snapshot ${formatStep(nearest)}`;
}

/** The words for the step shown. */
export function useSnapshotWords(): string {
  const step = useCursor((c) => c.step);
  const head = useView((v) => v.step, Number.POSITIVE_INFINITY);
  const snapshots = useSample('snapshots');
  useNear('snapshots', step);
  return snapshotWords(step, snapshots[nearestIndex(snapshots, step)]?.step ?? null, head);
}
