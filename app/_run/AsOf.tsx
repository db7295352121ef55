import { count } from '~/app/_components/format';
import { useCursor } from '~/app/_live/cursor';
import { useMissingStep } from './timeline/snapshotWords';

/** Whether an event happened after the step at which the page is pinned. */
export const useIsLater = (step: number | null): boolean =>
  useCursor((c) => c.mode === 'pinned' && step !== null && step > c.step);

/** Shows the step at which the page is pinned; later items are gray. Renders nothing while the page follows the newest step, or is at one that the run does not have. */
export function AsOf() {
  const step = useCursor((c) => (c.mode === 'pinned' ? c.step : null));
  const missing = useMissingStep();
  return step === null || missing ? null : <span className="text-2xs text-dim">as of step {count(step)}; later is gray</span>;
}
