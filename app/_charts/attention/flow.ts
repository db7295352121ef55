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
    const row = map.subarray(query * keys, (query + 1) * keys);
    // Sorting bare numbers and making objects of the few that are drawn: at 512 keys a tenth of the time of sorting objects.
    const ascending = row.filter((weight) => weight > 0).sort();
    let [count, sum] = [0, 0];
    while (count < ascending.length && (count === 0 || sum < mass)) sum += ascending.at(-1 - count++)!;
    if (count === 0) continue;
    const least = ascending.at(-count)!;
    const own: Edge[] = [];
    for (const [key, weight] of row.entries()) if (weight >= least) own.push({ query, key, weight });
    out.push(...own.sort((a, b) => b.weight - a.weight || a.key - b.key).slice(0, count));
  }
  return out;
}
