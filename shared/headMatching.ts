/**
 * Which heads look alike: distances between heads, an order that puts similar heads side by side, and pairs across runs. Pure.
 */
import { jsDistance, type Map2, type MapSize } from './attention';

/** Maps of one head, one per probe example. */
export interface HeadExamples {
  size: MapSize;
  maps: readonly Map2[];
}

/**
 * Mean Jensen-Shannon distance over the examples of every head of `a` to every head of `b`, [a, b] row by row. The generator
 * yields after every pair, so that a page can draw in between; its value is the matrix. Heads with maps of different sizes cannot
 * be compared: their distance is 1, as for disjoint maps.
 * @throws RangeError when two heads have different numbers of examples
 */
export function* headDistances(a: readonly HeadExamples[], b: readonly HeadExamples[]): Generator<number, Float64Array> {
  const out = new Float64Array(a.length * b.length);
  const symmetric = a === b;
  for (const [i, one] of a.entries())
    for (let j = symmetric ? i + 1 : 0; j < b.length; j++) {
      const other = b[j]!;
      if (one.maps.length !== other.maps.length)
        throw new RangeError(`headDistances: head ${i} has ${one.maps.length} examples, head ${j} ${other.maps.length}`);
      const { queries, keys } = one.size;
      const comparable = queries === other.size.queries && keys === other.size.keys;
      let sum = comparable ? 0 : one.maps.length;
      if (comparable) for (const [e, map] of one.maps.entries()) sum += jsDistance(map, other.maps[e]!, one.size);
      out[i * b.length + j] = sum / one.maps.length;
      if (symmetric) out[j * b.length + i] = out[i * b.length + j]!;
      yield (i * b.length + j) / out.length;
    }
  return out;
}

/**
 * Leaves of the average-linkage tree over a symmetric distance matrix, each joined pair flipped so that its nearest ends meet:
 * similar heads are neighbors.
 */
export function likeTogether(distances: ArrayLike<number>, count: number): number[] {
  const at = (i: number, j: number) => distances[i * count + j]!;
  const between = (a: readonly number[], b: readonly number[]) => {
    let sum = 0;
    for (const i of a) for (const j of b) sum += at(i, j);
    return sum / (a.length * b.length);
  };
  let groups = Array.from({ length: count }, (_, i) => [i]);
  while (groups.length > 1) {
    let best = { a: 0, b: 1, d: Number.POSITIVE_INFINITY };
    for (let a = 0; a < groups.length; a++)
      for (let b = a + 1; b < groups.length; b++) {
        const d = between(groups[a]!, groups[b]!);
        if (d < best.d) best = { a, b, d };
      }
    const [left, right] = [groups[best.a]!, groups[best.b]!];
    const turns = [left, left.toReversed()].flatMap((l) => [right, right.toReversed()].map((r) => [l, r] as const));
    const gap = ([l, r]: (typeof turns)[number]) => at(l.at(-1)!, r[0]!);
    const joined = turns.reduce((near, turn) => (gap(turn) < gap(near) ? turn : near)).flat();
    groups = groups.flatMap((g, n) => (n === best.a ? [joined] : n === best.b ? [] : [g]));
  }
  return groups[0] ?? [];
}

/**
 * The pairing of rows with columns whose total cost is least; with more rows than columns some rows have no column (-1), and vice
 * versa. Hungarian method with potentials, O(rows^2 columns). Costs must be finite. Source: Kuhn 1955; Jonker, Volgenant 1987 for
 * the shortest augmenting path.
 */
export function cheapestPairs(costs: ArrayLike<number>, rows: number, columns: number): Int32Array {
  if (rows > columns) {
    const turned = Float64Array.from({ length: rows * columns }, (_, n) => costs[(n % rows) * columns + Math.floor(n / rows)]!);
    const pairs = new Int32Array(rows).fill(-1);
    cheapestPairs(turned, columns, rows).forEach((row, column) => {
      pairs[row] = column;
    });
    return pairs;
  }
  // Rows and columns count from 1 here; row 0 means none; column 0 starts the search and holds the row that is being assigned.
  const [rowPrice, columnPrice] = [new Float64Array(rows + 1), new Float64Array(columns + 1)];
  const rowOf = new Int32Array(columns + 1);
  const from = new Int32Array(columns + 1);
  for (let row = 1; row <= rows; row++) {
    const slack = new Float64Array(columns + 1).fill(Number.POSITIVE_INFINITY);
    const done = new Uint8Array(columns + 1);
    let column = 0;
    rowOf[0] = row;
    do {
      done[column] = 1;
      const i = rowOf[column]!;
      let [least, next] = [Number.POSITIVE_INFINITY, 0];
      for (let j = 1; j <= columns; j++) {
        if (done[j]) continue;
        const reduced = costs[(i - 1) * columns + j - 1]! - rowPrice[i]! - columnPrice[j]!;
        if (reduced < slack[j]!) {
          slack[j] = reduced;
          from[j] = column;
        }
        if (slack[j]! < least) [least, next] = [slack[j]!, j];
      }
      if (next === 0) throw new RangeError(`cheapestPairs: row ${i - 1} has no finite cost`);
      for (let j = 0; j <= columns; j++)
        if (done[j]) {
          rowPrice[rowOf[j]!]! += least;
          columnPrice[j]! -= least;
        } else slack[j]! -= least;
      column = next;
    } while (rowOf[column] !== 0);
    for (; column !== 0; column = from[column]!) rowOf[column] = rowOf[from[column]!]!;
  }
  const pairs = new Int32Array(rows).fill(-1);
  for (let j = 1; j <= columns; j++) if (rowOf[j]) pairs[rowOf[j]! - 1] = j - 1;
  return pairs;
}
