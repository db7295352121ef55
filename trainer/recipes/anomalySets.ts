/** Draws sets: N - 1 pictures of one class and one of another. Pure: indices in, indices out. */
import { grouped } from '~/shared/grouped';
import type { RandomStream } from '~/trainer/nn/random';

/**
 * Splits the pictures of each class: `share` of them, rounded, but at least one of a class with two or more, goes to validation.
 * @param labels class per picture
 * @returns indices of the pictures, each ascending
 */
export function splitByClass(
  labels: ArrayLike<number>,
  share: number,
  random: RandomStream,
): { train: Int32Array; validation: Int32Array } {
  const held = new Set<number>();
  let position = 0;
  for (const members of grouped(allOf(labels), (i) => labels[i]!).values()) {
    const count = members.length < 2 ? 0 : Math.max(1, Math.round(members.length * share));
    for (let k = 0; k < count; k++) {
      const j = k + random.integer(position++, members.length - k);
      [members[k], members[j]] = [members[j]!, members[k]!];
      held.add(members[k]!);
    }
  }
  const all = allOf(labels);
  return { train: all.filter((i) => !held.has(i)), validation: all.filter((i) => held.has(i)) };
}

const allOf = (labels: ArrayLike<number>): Int32Array => Int32Array.from({ length: labels.length }, (_, i) => i);

/** The sets of one split. */
export class SetDrawer {
  /** Classes with enough pictures to fill a set. */
  readonly #classes: { label: number; members: number[] }[];

  /**
   * @param indices the split's pictures
   * @param what the split's name for messages
   * @throws RangeError naming setSize, when fewer than two classes have setSize - 1 pictures
   */
  constructor(
    private readonly labels: ArrayLike<number>,
    indices: Int32Array,
    private readonly setSize: number,
    what: string,
  ) {
    const classes = [...grouped(indices, (i) => labels[i]!)].map(([label, members]) => ({ label, members }));
    this.#classes = classes.filter((c) => c.members.length >= setSize - 1);
    if (this.#classes.length < 2) {
      const counts = classes.map((c) => c.members.length).sort((a, b) => b - a);
      const most = (counts[1] ?? 0) + 1;
      throw new RangeError(
        `task.setSize: ${setSize} pictures need ${setSize - 1} of one class, and the ${what} set has no two classes with so many; ` +
          (most >= 3 ? `give at most ${most}, or more pictures` : 'give more pictures'),
      );
    }
  }

  /**
   * Draws the set in which picture `odd` is the odd one.
   * @param random read at positions access * (set size + 1) and the next ones
   * @param out [setSize], filled with picture indices
   * @returns the position of the odd one
   */
  draw(odd: number, random: RandomStream, access: number, out: Int32Array): number {
    let position = access * (this.setSize + 1);
    const label = this.labels[odd]!;
    const own = this.#classes.findIndex((c) => c.label === label);
    const pick = random.integer(position++, own < 0 ? this.#classes.length : this.#classes.length - 1);
    const { members } = this.#classes[own >= 0 && pick >= own ? pick + 1 : pick]!;
    const place = random.integer(position++, this.setSize);
    // Floyd's sampling: N - 1 different members from N - 1 random numbers.
    const others = new Set<number>();
    for (let last = members.length - (this.setSize - 1); last < members.length; last++) {
      const at = random.integer(position++, last + 1);
      others.add(others.has(at) ? last : at);
    }
    let t = 0;
    for (const at of others) {
      if (t === place) t++;
      out[t++] = members[at]!;
    }
    out[place] = odd;
    return place;
  }
}
