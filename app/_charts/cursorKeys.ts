import type { ChartCursor } from './types';

/**
 * Moves the cursor by a key: arrows one row (with shift 10), Home to the first step, End to the newest step (and follows it), Page Up and Page Down to the previous
 * and next of `stops` (steps with a snapshot, ascending), Escape back to following the newest step.
 *
 * @returns whether the key was used
 */
export function moveByKey(
  event: { key: string; shiftKey: boolean; altKey: boolean; ctrlKey: boolean; metaKey: boolean },
  cursor: ChartCursor,
  stops: readonly number[],
): boolean {
  if (event.altKey || event.ctrlKey || event.metaKey) return false;
  const { step } = cursor.get();
  const head = cursor.headStep();
  const start = cursor.startStep();
  const stride = cursor.stride() * (event.shiftKey ? 10 : 1);
  const go = (to: number | undefined) => {
    if (to !== undefined) cursor.pin(Math.min(head, Math.max(start, to)));
    return true;
  };
  switch (event.key) {
    case 'ArrowLeft':
    case 'ArrowDown':
      return go(step - stride);
    case 'ArrowRight':
    case 'ArrowUp':
      return go(step + stride);
    case 'Home':
      return go(start);
    case 'PageUp':
      return go(stops.findLast((s) => s < step));
    case 'PageDown':
      return go(stops.find((s) => s > step));
    case 'End':
    case 'Escape':
      cursor.follow();
      return true;
    default:
      return false;
  }
}
