import type { ListItems } from '~/shared/view';

type Snapshot = ListItems['snapshots'];

/** The parts of a run that decide which of its snapshots are thinned. */
export interface Thinnable {
  /** In the order of the log. */
  snapshots: readonly Snapshot[];
  alerts: readonly { step: number | null }[];
  notes: readonly { anchor: { step: number } }[];
}

/** Size after thinning as a fraction of the quota: leaves room, so that not every snapshot causes thinning. */
const LEAVE = 0.9;

/**
 * The snapshots whose maps are deleted so that a run's snapshots fit `quotaBytes`; empty while they fit.
 *
 * Never deleted: the first and the last; those made for an alert, a command, the best or the final parameters; the nearest at or
 * before each alert and each note. Of the others, evenly spaced keyframes stay: repeatedly, the one whose neighbors are closest
 * together goes (the earlier of equals), until nine tenths of the quota are left or no others remain.
 *
 * @returns in log order
 */
export function toThin(view: Thinnable, quotaBytes: number): Snapshot[] {
  const all = view.snapshots;
  const total = all.reduce((bytes, s) => bytes + s.blob.bytes, 0);
  if (total <= quotaBytes) return [];
  const fixed = new Set<Snapshot | undefined>([all[0], all.at(-1)]);
  for (const s of all) if (['alert', 'command', 'best', 'end'].includes(s.trigger)) fixed.add(s);
  const marks = [...view.alerts.map((a) => a.step), ...view.notes.map((n) => n.anchor.step)];
  for (const step of marks) if (step !== null) fixed.add(all.findLast((s) => s.step <= step));

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
    for (const neighbour of [before[i]!, after[i]!]) if (!fixed.has(all[neighbour])) heap.push(neighbour);
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
