/** What waits for a viewer whose connection is slow: of the rows, only the newest. */
import type { Entry } from '~/shared/events';
import { firstStepOf, rowCount, rowsBetween, stepAt } from '~/shared/rows';
import { lastSeq } from './log';

/** The part of a viewer's state that holds what was not sent yet. */
export interface FrameQueue {
  queue: Entry[];
  queuedValues: number;
  skipped: [number, number] | null;
}

/** Pages read a process's output with `runs.console`: views do not need it. */
export function withoutText(entry: Entry): Entry {
  const { event } = entry;
  return event.type === 'console' && event.text !== '' ? { ...entry, event: { ...event, text: '' } } : entry;
}

export const valuesOf = ({ event }: Entry): number => (event.type === 'rows' ? event.values.length : 0);

export const spanning = (a: [number, number] | null, b: [number, number]): [number, number] =>
  a ? [Math.min(a[0], b[0]), Math.max(a[1], b[1])] : b;

/**
 * Drops queued rows except the last of each stream before each other entry and at the end: a fold over the rest then gives the
 * same view.
 */
export function skipRows(m: FrameQueue): void {
  const kept: Entry[] = [];
  // From the end, so that the first row found of a stream is its last.
  const met = new Set<string>();
  for (const entry of m.queue.toReversed()) {
    const { event } = entry;
    if (event.type !== 'rows') {
      met.clear();
      kept.push(entry);
      continue;
    }
    const isLast = !met.has(event.stream);
    met.add(event.stream);
    const leftOut = rowCount(event) - (isLast ? 1 : 0);
    if (leftOut > 0) {
      m.skipped = spanning(m.skipped, [firstStepOf(event), stepAt(event, leftOut - 1)]);
    }
    if (isLast) kept.push(lastRow(entry));
  }
  m.queue = kept.reverse();
  m.queuedValues = kept.reduce((n, e) => n + valuesOf(e), 0);
}

function lastRow(entry: Entry): Entry {
  const { event } = entry;
  if (event.type !== 'rows' || rowCount(event) === 1) return entry;
  const { times, values, ...last } = rowsBetween(event, rowCount(event) - 1, rowCount(event));
  // Copies, so that the rest of the batch can be freed.
  return { ...entry, seq: lastSeq(entry), event: { ...last, ...(times && { times: times.slice() }), values: values.slice() } };
}
