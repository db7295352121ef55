/** Which weights of a map are drawn as lines. */
import type { Map2, MapSize } from '~/shared/attention';

export interface Edge {
  query: number;
  key: number;
  weight: number;
}

/**
 * For each query the fewest keys that together reach `mass` of the row, largest first; mass 0 = only the top key. A row that never reaches it gives all keys
 * with a positive weight.
 */
export function edges(map: Map2, { queries, keys }: MapSize, mass: number): Edge[] {
  const out: Edge[] = [];
  for (let query = 0; query < queries; query++) {
    const row = Array.from({ length: keys }, (_, key) => ({ query, key, weight: map[query * keys + key]! }));
    row.sort((a, b) => b.weight - a.weight || a.key - b.key);
    let sum = 0;
    for (const edge of row) {
      if (!(edge.weight > 0)) break;
      out.push(edge);
      sum += edge.weight;
      if (sum >= mass) break;
    }
  }
  return out;
}
