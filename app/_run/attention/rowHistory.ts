import type { RowHistory } from '~/app/_charts/attention/History';
import type { SnapshotFeed } from '~/app/_live/snapshotFeed';
import { type AttentionSnapshot, mapOf } from '~/shared/attentionSnapshot';

/** One query's weights at every recorded step whose snapshot is at hand and is of the same probe example as `shown`. */
export function rowHistory(
  feed: Pick<SnapshotFeed, 'recorded' | 'peek'>,
  shown: AttentionSnapshot,
  head: { layer: number; head: number },
  example: number,
  query: number,
): RowHistory {
  const { keys } = shown;
  const inputs = (s: AttentionSnapshot) => s.inputs.subarray(example * s.keys, (example + 1) * s.keys).join();
  const wanted = inputs(shown);
  const steps: number[] = [];
  const rows: Float32Array[] = [];
  for (const r of feed.recorded) {
    const s = feed.peek(r);
    // Other probe examples are another story.
    if (!s || s.keys !== keys || example >= s.examples || head.layer >= s.layers || head.head >= s.heads || inputs(s) !== wanted)
      continue;
    steps.push(r.step);
    rows.push(mapOf(s, example, head.layer, head.head).subarray(query * keys, (query + 1) * keys));
  }
  const all = new Float32Array(rows.length * keys);
  rows.forEach((row, n) => {
    all.set(row, n * keys);
  });
  return { steps: Float64Array.from(steps), rows: all, keys, recorded: feed.recorded.length };
}
