/**
 * Numbers that describe one attention map. A map is [queries, keys] row-major: row i is how query i spreads its weight over the
 * keys, each row sums to 1. Pure; the trainer's signals are made of these.
 */
export interface MapSize {
  queries: number;
  keys: number;
  /**
   * Query i looks at no key after its own position: those cells are masked. With more keys than queries, the last key belongs to
   * the last query.
   */
  causal?: boolean;
}

/** Number of keys that a query may look at; they are the first ones. */
export const visibleKeys = ({ queries, keys, causal = false }: MapSize, query: number): number =>
  causal ? Math.max(1, Math.min(keys, query + 1 + keys - queries)) : keys;

export type Map2 = Float32Array | Float64Array;

/**
 * Mean over rows of -sum A ln A / ln(keys that the row may look at): 1 = uniform, 0 = one-hot. Rows with a single key are left
 * out; 1 when all rows have a single key.
 */
export function entropy(map: Map2, size: MapSize): number {
  const { queries, keys } = size;
  let total = 0;
  let rows = 0;
  for (let i = 0; i < queries; i++) {
    const visible = visibleKeys(size, i);
    if (visible === 1) continue;
    let sum = 0;
    for (let n = i * keys; n < i * keys + visible; n++) {
      const a = map[n]!;
      // 0 ln 0 = 0, its limit; NaN must stay NaN.
      if (a !== 0) sum -= a * Math.log(a);
    }
    total += sum / Math.log(visible);
    rows++;
  }
  return rows === 0 ? 1 : total / rows;
}

/** Mean over rows of the largest weight: from 1/keys (uniform) to 1. */
export function confidence(map: Map2, { queries, keys }: MapSize): number {
  let sum = 0;
  for (let i = 0; i < queries; i++) {
    let top = Number.NEGATIVE_INFINITY;
    // Math.max returns NaN for NaN.
    for (let j = 0; j < keys; j++) top = Math.max(top, map[i * keys + j]!);
    sum += top;
  }
  return sum / queries;
}

/** The key that a query would look at if the pattern were perfect; null = the pattern has no cell in this row. */
export type Pattern = (query: number, size: MapSize) => number | null;

const inside = (key: number, keys: number) => (key >= 0 && key < keys ? key : null);
export const patterns = {
  diagonal: (i, { keys }) => inside(i, keys),
  antiDiagonal: (i, { keys }) => inside(keys - 1 - i, keys),
  previous: (i, { keys }) => inside(i - 1, keys),
  next: (i, { keys }) => inside(i + 1, keys),
  first: (_, { keys }) => inside(0, keys),
} as const satisfies Record<string, Pattern>;
export type PatternName = keyof typeof patterns;

/**
 * Mean weight on the pattern's cells, over the rows in which that cell is visible: uniform gives 1/keys, a perfect pattern 1. NaN
 * when no row has a cell.
 */
export function patternScore(map: Map2, size: MapSize, pattern: Pattern): number {
  let sum = 0;
  let rows = 0;
  for (let i = 0; i < size.queries; i++) {
    const j = pattern(i, size);
    if (j === null || j >= visibleKeys(size, i)) continue;
    sum += map[i * size.keys + j]!;
    rows++;
  }
  return sum / rows;
}

/**
 * Mean weight that the other queries put on key `odd`: how much a head looks at the odd item of a set. NaN when there is no other
 * query.
 */
export function oddMass(map: Map2, { queries, keys }: MapSize, odd: number): number {
  let sum = 0;
  let rows = 0;
  for (let i = 0; i < queries; i++) {
    if (i === odd) continue;
    sum += map[i * keys + odd]!;
    rows++;
  }
  return sum / rows;
}

/** Mean over rows of sum_j A |i - j|, in positions. Without meaning for sets. */
export function distance(map: Map2, { queries, keys }: MapSize): number {
  let sum = 0;
  for (let i = 0; i < queries; i++) for (let j = 0; j < keys; j++) sum += map[i * keys + j]! * Math.abs(i - j);
  return sum / queries;
}

/**
 * Total variation between two maps of one size: half the mean over rows of sum |A - B|; 0 = equal, 1 = disjoint. A row that may look at a single key cannot
 * differ and is left out.
 */
export function drift(a: Map2, b: Map2, size: MapSize): number {
  const { queries, keys } = size;
  let sum = 0;
  let rows = 0;
  for (let i = 0; i < queries; i++) {
    for (let n = i * keys; n < (i + 1) * keys; n++) sum += Math.abs(a[n]! - b[n]!);
    if (visibleKeys(size, i) > 1) rows++;
  }
  return sum / 2 / Math.max(1, rows);
}

/** Mean over rows of the Jensen-Shannon distance (square root, base 2), 0 to 1: how differently two heads look. */
export function jsDistance(a: Map2, b: Map2, { queries, keys }: MapSize): number {
  let total = 0;
  for (let i = 0; i < queries; i++) {
    let js = 0;
    for (let n = i * keys; n < (i + 1) * keys; n++) {
      const p = a[n]!;
      const q = b[n]!;
      const m = (p + q) / 2;
      if (p !== 0) js += (p / 2) * Math.log2(p / m);
      if (q !== 0) js += (q / 2) * Math.log2(q / m);
    }
    total += Math.sqrt(Math.max(0, js));
  }
  return total / queries;
}

export type Operation = 'mean' | 'max' | 'std';

/** Cell-wise over several maps of one size: their mean, maximum, or population standard deviation. @throws RangeError when there are none */
export function combine(maps: readonly Map2[], operation: Operation): Float32Array {
  const first = maps[0];
  if (!first) throw new RangeError('combine: at least one map is needed');
  // Map after map: large maps do not fit into the processor's caches, and one cell of every map at a time would be read from memory.
  if (operation === 'max') {
    const top = Float32Array.from(first);
    for (const m of maps) for (let n = 0; n < top.length; n++) top[n] = Math.max(top[n]!, m[n]!);
    return top;
  }
  const mean = new Float64Array(first.length);
  for (const m of maps) for (let n = 0; n < mean.length; n++) mean[n]! += m[n]!;
  for (let n = 0; n < mean.length; n++) mean[n]! /= maps.length;
  if (operation === 'mean') return Float32Array.from(mean);
  const squares = new Float64Array(first.length);
  for (const m of maps) for (let n = 0; n < mean.length; n++) squares[n]! += (m[n]! - mean[n]!) ** 2;
  return Float32Array.from(squares, (v) => Math.sqrt(v / maps.length));
}

/** Positions of a set's items with the odd item moved to the end: sets are aligned this way before averaging. */
export const oddLast = (size: number, odd: number): number[] => [
  ...Array.from({ length: size }, (_, i) => i).filter((i) => i !== odd),
  odd,
];

/** The map with rows and columns in the given order: out[i, j] = map[order[i], order[j]]. */
export function reorder(map: Map2, { keys }: MapSize, order: readonly number[]): Float32Array {
  const out = new Float32Array(order.length * order.length);
  for (const [i, from] of order.entries())
    for (const [j, to] of order.entries()) out[i * order.length + j] = map[from * keys + to]!;
  return out;
}

/**
 * Attention rollout, for one output token: how much it depends on every token at each level, when half of every token bypasses
 * each layer: the product over layers of (mean over heads + I) / 2. Entry 0 is the model's inputs, entry n the outputs of layer n,
 * the last one the token itself. `query` null = the mean over all outputs. Each entry sums to 1.
 * @param layers mean map per layer, lowest first, square: rows for the tokens above, columns for the inputs below
 * Source: Abnar, Zuidema 2020, "Quantifying Attention Flow in Transformers", arXiv:2005.00928.
 * @throws RangeError when a map is not size x size
 */
export function rolloutFrom(layers: readonly Map2[], size: number, query: number | null): Float64Array[] {
  let share = Float64Array.from({ length: size }, (_, t) => (query === null ? 1 / size : t === query ? 1 : 0));
  const out = [share];
  for (const map of layers.toReversed()) {
    if (map.length !== size * size)
      throw new RangeError(`rolloutFrom: a map has ${map.length} cells, ${size} x ${size} are needed`);
    const below = Float64Array.from(share, (s) => s / 2);
    for (let i = 0; i < size; i++) for (let j = 0; j < size; j++) below[j]! += (share[i]! * map[i * size + j]!) / 2;
    out.unshift(below);
    share = below;
  }
  return out;
}
