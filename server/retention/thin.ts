import { Heap } from '~/server/base/heap';
import type { Evaluation } from '~/shared/events';
import type { ListItems } from '~/shared/view';

type Trigger = ListItems['checkpoints']['trigger'];

/** A snapshot or a checkpoint. */
interface Thinnable {
  step: number;
  trigger: Trigger;
  blob: { hash: string; bytes: number };
}

/** Places of a run that people, or the run itself, marked. */
export interface Marks {
  alerts: readonly { step: number | null }[];
  notes: readonly { anchor: { step: number } }[];
}

/** Size after thinning as a fraction of the quota: leaves room, so that not every new item causes thinning. */
export const LEAVE = 0.9;
/** So many of the newest checkpoints always stay. */
export const NEWEST_CHECKPOINTS = 5;

/**
 * The snapshots whose maps are deleted so that a run's snapshots fit `quotaBytes`; empty while they fit.
 *
 * Never deleted: the first and the last; those made for an alert, a command, the best or the final parameters; the nearest at or
 * before each alert and each note. Of the others, evenly spaced keyframes stay.
 *
 * @param all in the order of the log
 * @returns in log order
 */
export function snapshotsToThin(
  all: readonly ListItems['snapshots'][],
  marks: Marks,
  quotaBytes: number,
): ListItems['snapshots'][] {
  return toThin(all, marked(all, marks, ['alert', 'command', 'best', 'end']), quotaBytes);
}

/**
 * The checkpoints that are deleted so that a run's checkpoints fit `quotaBytes`; empty while they fit.
 *
 * Never deleted: the first and the newest five; those that somebody asked for, made for an alert, or at the end; those named by an
 * answered question, a waiting command or another run (a branch); those that a script keeps itself; the nearest at or before the
 * best result, each alert (so the last before a loss that is not finite) and each note. Of the others, evenly spaced ones stay.
 *
 * @param all in the order of the log
 * @param named hashes
 * @param best the best evaluation and the best row
 */
export function checkpointsToThin(
  all: readonly ListItems['checkpoints'][],
  marks: Marks & { named: ReadonlySet<string>; best: readonly (Pick<Evaluation, 'step'> | null)[] },
  quotaBytes: number,
): ListItems['checkpoints'][] {
  const fixed = marked(all, marks, ['alert', 'command', 'best', 'end', 'shutdown']);
  for (const c of all.slice(-NEWEST_CHECKPOINTS)) fixed.add(c);
  for (const c of all) if (marks.named.has(c.blob.hash) || c.reference !== undefined) fixed.add(c);
  for (const best of marks.best) if (best) fixed.add(all.findLast((c) => c.step <= best.step));
  return toThin(all, fixed, quotaBytes);
}

/** The first, the last, those made for one of `triggers`, and the nearest at or before each mark. */
function marked<T extends Thinnable>(all: readonly T[], { alerts, notes }: Marks, triggers: Trigger[]): Set<T | undefined> {
  const fixed = new Set<T | undefined>([all[0], all.at(-1), ...all.filter((s) => triggers.includes(s.trigger))]);
  const steps = [...alerts.map((a) => a.step), ...notes.map((n) => n.anchor.step)];
  for (const step of steps) if (step !== null) fixed.add(all.findLast((s) => s.step <= step));
  return fixed;
}

/**
 * Repeatedly, the item whose neighbors are closest together goes (the earlier of equals), until nine tenths of the quota are left
 * or only fixed ones remain.
 *
 * @param fixed includes the first and the last
 */
function toThin<T extends Thinnable>(all: readonly T[], fixed: ReadonlySet<T | undefined>, quotaBytes: number): T[] {
  const total = all.reduce((bytes, s) => bytes + s.blob.bytes, 0);
  if (total <= quotaBytes) return [];
  // A linked list of neighbors, and the candidates by the gap that they would leave.
  const before = all.map((_, i) => i - 1);
  const after = all.map((_, i) => i + 1);
  const gone = new Array<boolean>(all.length).fill(false);
  const gap = (i: number) => all[after[i]!]!.step - all[before[i]!]!.step;
  const heap = new Heap<{ i: number; key: number }>((a, b) => a.key < b.key || (a.key === b.key && a.i < b.i));
  const offer = (i: number) => {
    if (!fixed.has(all[i])) heap.push({ i, key: gap(i) });
  };
  for (const i of all.keys()) offer(i);
  let left = total;
  while (left > quotaBytes * LEAVE) {
    const next = heap.pop();
    if (!next) break;
    const { i, key } = next;
    // Offered again with a larger gap when a neighbor went.
    if (gone[i] || key !== gap(i)) continue;
    gone[i] = true;
    left -= all[i]!.blob.bytes;
    after[before[i]!] = after[i]!;
    before[after[i]!] = before[i]!;
    offer(before[i]!);
    offer(after[i]!);
  }
  return all.filter((_, i) => gone[i]);
}
