/**
 * The generator of all random numbers: a value is a pure function of (seed, stream name, position), so that a run can be resumed,
 * branched or re-run from any position without stored generator state.
 *
 * Threefry-2x32 with 20 rounds. Source: Salmon, Moraes, Dror, Shaw 2011, "Parallel random numbers: as easy as 1, 2, 3"; checked
 * against the known answers of the authors' library (Random123, kat_vectors).
 */

const rotations = [13, 15, 26, 6, 17, 29, 16, 24] as const;

/** One block: the counter (c0, c1) encrypted with the key (k0, k1), all u32; writes two u32 to `out`. */
export function threefry(k0: number, k1: number, c0: number, c1: number, out: Uint32Array): void {
  const k2 = 0x1bd11bda ^ k0 ^ k1;
  let x0 = (c0 + k0) | 0;
  let x1 = (c1 + k1) | 0;
  for (let group = 1; group <= 5; group++) {
    const first = group & 1 ? 0 : 4;
    for (let i = first; i < first + 4; i++) {
      const r = rotations[i]!;
      x0 = (x0 + x1) | 0;
      x1 = ((x1 << r) | (x1 >>> (32 - r))) ^ x0;
    }
    const even = group % 3;
    x0 = (x0 + (even === 1 ? k1 : even === 2 ? k2 : k0)) | 0;
    x1 = (x1 + (even === 1 ? k2 : even === 2 ? k0 : k1) + group) | 0;
  }
  out[0] = x0;
  out[1] = x1;
}

/** FNV-1a, 32 bits: turns a stream's name into the second half of its key. */
function nameKey(name: string): number {
  let h = 0x811c9dc5;
  for (let i = 0; i < name.length; i++) h = Math.imul(h ^ name.charCodeAt(i), 0x01000193);
  return h >>> 0;
}

/** One named sequence of random numbers, addressed by position (an integer from 0 to 2^53 - 1). Stores no position. */
export class RandomStream {
  readonly #k0: number;
  readonly #k1: number;
  readonly #block = new Uint32Array(2);
  #cached = -1;

  /** @param seed u32  @param name distinct names give independent streams */
  constructor(seed: number, name: string) {
    this.#k0 = seed >>> 0;
    this.#k1 = nameKey(name);
  }

  /** 0 .. 2^32 - 1 */
  bits(position: number): number {
    // Neighboring positions share a block, so a sequential reader encrypts once for two values.
    const counter = Math.floor(position / 2);
    if (counter !== this.#cached) {
      threefry(this.#k0, this.#k1, counter >>> 0, Math.floor(counter / 2 ** 32), this.#block);
      this.#cached = counter;
    }
    return this.#block[position % 2]!;
  }

  /** [0, 1), a multiple of 2^-32. */
  uniform(position: number): number {
    return this.bits(position) * 2 ** -32;
  }

  /** 0 .. n - 1 for n <= 2^21; the probabilities differ from 1/n by less than 2^-32. */
  integer(position: number, n: number): number {
    return Math.floor(this.uniform(position) * n);
  }

  /** Standard normal (Box-Muller); reads the values at 2 * position and 2 * position + 1. */
  normal(position: number): number {
    const radius = Math.sqrt(-2 * Math.log(1 - this.uniform(2 * position)));
    return radius * Math.cos(2 * Math.PI * this.uniform(2 * position + 1));
  }

  /** A random order of 0 .. n - 1 (Fisher-Yates), from positions 0 .. n - 1 of the stream. */
  permutation(n: number): Uint32Array {
    const order = new Uint32Array(n);
    for (let i = 0; i < n; i++) {
      const j = this.integer(i, i + 1);
      order[i] = order[j]!;
      order[j] = i;
    }
    return order;
  }
}
