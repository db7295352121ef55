import { formatStep } from '~/app/_charts/format';
import { setCursor, useCursor } from '~/app/_live/cursor';
import { useNear, useSample } from '~/app/_live/lists';
import { nearestIndex } from '~/app/_live/recorded';
import { useView } from '~/app/_live/useRun';

/** That the run does not have a step, which a link or a mark from before a revert may name; empty when it has. */
function missingStep(step: number, start: number, head: number): string {
  if (step > head) return `this run has no step ${formatStep(step)}: it is at ${formatStep(head)}`;
  return step < start ? `this run has no step ${formatStep(step)}: it begins at ${formatStep(start)}` : '';
}

/** Which snapshot the panels show at this step, in words; empty when there is none. */
export function snapshotWords(
  step: number,
  nearest: number | null,
  start = Number.NEGATIVE_INFINITY,
  head = Number.POSITIVE_INFINITY,
): string {
  const missing = missingStep(step, start, head);
  if (missing || nearest === null) return missing;
  return nearest === step
    ? `snapshot at step ${formatStep(step)}`
    : `step ${formatStep(step)}: nearest snapshot ${formatStep(nearest)}`;
}

const firstStep = () => Math.min(0, setCursor.startStep());

/** The step shown, and the first and the last one of the run. */
function useSteps(): [step: number, start: number, head: number] {
  const step = useCursor((c) => c.step);
  const head = useView((v) => v.step, Number.POSITIVE_INFINITY);
  const start = useCursor(firstStep);
  return [step, start, head];
}

/** missingStep of the step at which the page is pinned: what follows the run shows a step that it has. */
export function useMissingStep(): string {
  const pinned = useCursor((c) => (c.mode === 'pinned' ? c.step : null));
  const start = useCursor(firstStep);
  return useView((v) => (pinned === null ? '' : missingStep(pinned, start, v.step)), '');
}

/** The step shown, or the nearest one that the run has. */
export function useStepThere(): number {
  const [step, start, head] = useSteps();
  return Math.max(start, Math.min(head, step));
}

/** Step of the snapshot that the panels show; null: there is none. */
export function useSnapshotStep(): number | null {
  const [step] = useSteps();
  const snapshots = useSample('snapshots');
  useNear('snapshots', step);
  return snapshots[nearestIndex(snapshots, step)]?.step ?? null;
}

/** The words for the step shown. */
export function useSnapshotWords(): string {
  const [step, ...range] = useSteps();
  return snapshotWords(step, useSnapshotStep(), ...range);
}
