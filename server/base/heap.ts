/** A binary heap: `first` comes before all other items. Items that do not come before each other are in no particular order. */
export class Heap<T> {
  readonly #items: T[] = [];

  constructor(private readonly before: (a: T, b: T) => boolean) {}

  get first(): T | undefined {
    return this.#items[0];
  }

  push(item: T): void {
    const items = this.#items;
    let i = items.push(item) - 1;
    while (i > 0) {
      const above = (i - 1) >> 1;
      if (!this.before(item, items[above]!)) break;
      items[i] = items[above]!;
      i = above;
    }
    items[i] = item;
  }

  pop(): T | undefined {
    const items = this.#items;
    const first = items[0];
    const last = items.pop();
    if (items.length === 0) return first;
    let i = 0;
    for (let below = 1; below < items.length; below = 2 * i + 1) {
      if (below + 1 < items.length && this.before(items[below + 1]!, items[below]!)) below++;
      if (!this.before(items[below]!, last!)) break;
      items[i] = items[below]!;
      i = below;
    }
    items[i] = last!;
    return first;
  }
}
