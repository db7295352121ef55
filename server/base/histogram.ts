import type { Histogram } from '~/shared/media';

const MOST_BINS = 1024;

/**
 * Converts a histogram of another program, whose bins may be empty, touch, or end at infinity, to a sample's form; null: it has
 * no bins.
 *
 * @param bins left and right edge and count, in order
 */
export function histogramOf(bins: readonly (readonly [left: number, right: number, count: number])[]): Histogram | null {
  const edges: number[] = [];
  const counts: number[] = [];
  const used = bins.filter(([, , count]) => count > 0 && Number.isFinite(count));
  if (used.length === 0) return null;
  for (let [left, right, count] of bins.slice(bins.indexOf(used[0]!), bins.indexOf(used.at(-1)!) + 1)) {
    left = Math.max(-Number.MAX_VALUE, left);
    right = Math.min(Number.MAX_VALUE, right);
    if (!Number.isFinite(left) || !Number.isFinite(right) || !Number.isFinite(count)) return null;
    const last = edges.at(-1);
    if (last === undefined) edges.push(left);
    else if (left > last) {
      edges.push(left);
      counts.push(0);
    }
    const from = edges.at(-1)!;
    if (right <= from) {
      // Bins without a width: their values are counted in the bin that ends here.
      if (counts.length === 0) {
        edges.push(from + Math.max(Math.abs(from), 1) * 2 ** -20);
        counts.push(count);
      } else counts[counts.length - 1]! += count;
      continue;
    }
    edges.push(right);
    counts.push(count);
  }
  while (counts.length > MOST_BINS) {
    for (let i = 0; i < counts.length; i++) {
      counts.splice(i, 2, counts[i]! + (counts[i + 1] ?? 0));
      if (i + 2 < edges.length) edges.splice(i + 1, 1);
    }
  }
  return { edges, counts };
}
