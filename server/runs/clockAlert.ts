import type { RunEvent } from '~/shared/events';
import { counted } from '~/shared/numbers';
import type { RunView } from '~/shared/view';

/** How far a process's clock, or the times of its rows, may be from the server's clock before people are told. */
const MOST_OFF_MS = 60_000;
/** A machine whose clock was never set begins in 1970. */
const NEVER_SET_MS = Date.UTC(2000, 0, 1);

/**
 * An alert about rows whose times cannot be right: later than now, of a clock that was never set, or of a process whose clock is known
 * to be wrong. Times are kept as they were sent; earlier ones alone say nothing, e.g. of logs that are sent later. Nothing while an alert
 * of this kind is among the newest.
 *
 * @param events what the log takes in at `now`
 * @param aheadMs how far the clock of their process is ahead of the server's, or, below 0, behind it
 */
export function clockAlert(view: RunView, events: readonly RunEvent[], now: number, aheadMs = 0): RunEvent[] {
  if (view.recent.alerts.items.some((a) => a.kind === 'clock')) return [];
  for (const event of events) {
    const times = event.type === 'rows' ? event.times : undefined;
    if (!times) continue;
    const wrong = times.find((t) => t > now + MOST_OFF_MS || t < NEVER_SET_MS);
    const offMs = wrong === undefined ? aheadMs : wrong - now;
    if (Math.abs(offMs) <= MOST_OFF_MS) continue;
    const clock = view.trainer?.host ? `the clock of ${view.trainer.host}` : 'the clock of its process';
    const year = new Date(now + offMs).getUTCFullYear();
    const off =
      now + offMs < NEVER_SET_MS
        ? `says ${year}`
        : `is ${lasting(Math.abs(offMs))} ${offMs < 0 ? 'behind' : 'ahead of'} the server's`;
    const message = `${clock} ${off}: charts over time, and how long things took, go by the times that it sends`;
    return [{ type: 'alert', step: view.step, level: 'warning', kind: 'clock', message }];
  }
  return [];
}

/** "2 days": in the largest unit of which there is at least one. */
function lasting(ms: number): string {
  const [hours, minutes] = [Math.round(ms / 3_600_000), Math.round(ms / 60_000)];
  if (hours >= 24) return counted(Math.round(hours / 24), 'day');
  return hours >= 1 ? counted(hours, 'hour') : counted(minutes, 'minute');
}
