import { wholeRun } from '~/app/_charts/domains';
import { setCursor, useCursor } from '~/app/_live/cursor';
import { useView } from '~/app/_live/useRun';
import { ended } from '~/shared/view';

/** First and last step of an axis with the whole run. It changes in jumps, so that one more step moves only what shows the step. */
export function useWholeRun(): readonly [number, number] {
  const first = useCursor(() => setCursor.startStep());
  return useView((v) => wholeRun(Math.min(first, v.step), v.step, ended(v.status)), wholeRun(first, first, false));
}
