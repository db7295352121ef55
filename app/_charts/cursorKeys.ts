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
  const pin = (to: number) => cursor.pin(Math.min(head, Math.max(start, to)));
  const stride = cursor.stride() * (event.shiftKey ? 10 : 1);
  switch (event.key) {
    case 'ArrowLeft':
    case 'ArrowDown':
      pin(step - stride);
      return true;
    case 'ArrowRight':
    case 'ArrowUp':
      pin(step + stride);
      return true;
    case 'Home':
      pin(start);
      return true;
    case 'End':
      cursor.follow();
      return true;
    case 'PageUp': {
      const before = stops.findLast((s) => s < step);
      if (before !== undefined) pin(before);
      return true;
    }
    case 'PageDown': {
      const after = stops.find((s) => s > step);
      if (after !== undefined) pin(after);
      return true;
    }
    case 'Escape':
      cursor.follow();
      return true;
    default:
      return false;
  }
}
