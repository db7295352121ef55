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
const LEAVE = 0.9;
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
  const heap = new MinHeap(
    all.map((_, i) => i).filter((i) => !fixed.has(all[i])),
    gap,
  );
  let left = total;
  while (left > quotaBytes * LEAVE) {
    const i = heap.pop();
    if (i === null) break;
    gone[i] = true;
    left -= all[i]!.blob.bytes;
    after[before[i]!] = after[i]!;
    before[after[i]!] = before[i]!;
    for (const neighbor of [before[i]!, after[i]!]) if (!fixed.has(all[neighbor])) heap.push(neighbor);
  }
  return all.filter((_, i) => gone[i]);
}

/** A heap of indices by a key that only grows: an item whose key has grown is reinserted when it is popped. */
class MinHeap {
  readonly #items: { index: number; key: number }[];
  readonly #taken = new Set<number>();

  constructor(
    indices: number[],
    private readonly keyOf: (index: number) => number,
  ) {
    this.#items = indices.map((index) => ({ index, key: keyOf(index) })).sort((a, b) => a.key - b.key || a.index - b.index);
  }

  push(index: number): void {
    this.#items.push({ index, key: this.keyOf(index) });
    for (let i = this.#items.length - 1; i > 0; ) {
      const parent = (i - 1) >> 1;
      if (!this.#less(i, parent)) break;
      this.#swap(i, parent);
      i = parent;
    }
  }

  pop(): number | null {
    for (;;) {
      const first = this.#items[0];
      const last = this.#items.pop();
      if (!first || !last) return null;
      if (this.#items.length > 0) {
        this.#items[0] = last;
        this.#sink();
      }
      if (this.#taken.has(first.index) || first.key !== this.keyOf(first.index)) continue;
      this.#taken.add(first.index);
      return first.index;
    }
  }

  #sink(): void {
    for (let i = 0; ; ) {
      let least = i;
      for (const child of [2 * i + 1, 2 * i + 2]) if (child < this.#items.length && this.#less(child, least)) least = child;
      if (least === i) return;
      this.#swap(i, least);
      i = least;
    }
  }

  #less(a: number, b: number): boolean {
    const x = this.#items[a]!;
    const y = this.#items[b]!;
    return x.key < y.key || (x.key === y.key && x.index < y.index);
  }

  #swap(a: number, b: number): void {
    const x = this.#items[a]!;
    this.#items[a] = this.#items[b]!;
    this.#items[b] = x;
  }
}
