import { joined } from '~/app/_charts/attention/exportMap';
import type { SnapshotFeed } from '~/app/_live/snapshotFeed';
import { exampleKey } from '~/shared/aboutSnapshot';
import { type AttentionSnapshot, mapOf } from '~/shared/attentionSnapshot';

export interface RowHistory {
  /** Steps whose maps are loaded, ascending. */
  steps: Float64Array;
  /** [n, keys]: one query's weights at each of these steps. */
  rows: Float32Array;
  keys: number;
  /** Number of recorded snapshots of the run, loaded or not. */
  recorded: number;
}

/** One query's weights at every recorded step whose maps are loaded and have the same probe example as `shown`. */
export function rowHistory(
  feed: Pick<SnapshotFeed, 'recorded' | 'peek'>,
  shown: AttentionSnapshot,
  head: { layer: number; head: number },
  example: number,
  query: number,
): RowHistory {
  const { keys, queries } = shown.layers[head.layer]!;
  const wanted = exampleKey(shown, example);
  const steps: number[] = [];
  const rows: Float32Array[] = [];
  for (const r of feed.recorded) {
    const s = feed.peek(r, example);
    const layer = s?.layers[head.layer];
    // Maps of other probe examples or of another size cannot be compared.
    if (!s || !layer || layer.keys !== keys || layer.queries !== queries || head.head >= layer.heads) continue;
    if (example >= s.examples || exampleKey(s, example) !== wanted) continue;
    steps.push(r.step);
    rows.push(mapOf(s, example, head.layer, head.head).subarray(query * keys, (query + 1) * keys));
  }
  return { steps: Float64Array.from(steps), rows: joined(rows), keys, recorded: feed.recorded.length };
}
