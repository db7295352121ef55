import { useMemo } from 'react';
import { aggregate, deriveMaps, headMap, ofOneSize } from '~/app/_charts/attention/derive';
import type { Spot } from '~/app/_charts/attention/focus';
import { SequenceReader } from '~/app/_charts/attention/SequenceReader';
import { SetReader } from '~/app/_charts/attention/SetReader';
import { TextReader } from '~/app/_charts/attention/TextReader';
import { type AttentionView, attentionView } from '~/app/_live/attentionView';
import { readerOf } from '~/shared/attentionSnapshot';
import { focusStore } from './focusStore';
import type { Large } from './large';
import { selectClass } from './Toolbar';
import type { Scene } from './useScene';

/** The model's input and answer, beside what it attended to: as much as the snapshot declares. */
export function Reader({
  scene,
  large,
  view,
  lit,
  width,
}: {
  scene: Scene;
  large: Large;
  view: AttentionView;
  lit: Spot | null;
  width: number;
}) {
  const { snapshot, source, shown } = scene;
  const reader = readerOf(snapshot);
  // The lines show this step's own weights, also while the map shows a difference.
  const weights = useMemo(() => {
    if (large.quantity === 'weight') return large.values;
    const maps = deriveMaps(snapshot, source.kind === 'spread' ? { ...source, kind: 'mean' } : source, null);
    return large.head
      ? headMap(maps, large.head.layer, large.head.head)
      : aggregate(maps, ofOneSize(maps, shown).heads, 'mean').values;
  }, [large, snapshot, source, shown]);
  if (reader === 'none') return null;
  if (source.kind !== 'example')
    return <p className="text-xs text-dim">An average has no inputs or answers of its own: choose an example to read one.</p>;
  const tokens = scene.tokensOf(large.layer);
  const common = { snapshot, example: source.example, lit, onFocus: focusStore.send };
  if (reader === 'set') return <SetReader {...common} tokens={tokens.keys} />;
  // Answers belong to the queries of the last layer: a map of another size has no lines to them.
  const last = snapshot.layers.at(-1)!;
  if (large.size.queries !== last.queries)
    return (
      <p className="text-xs text-dim">
        This map has other queries than the model's answers: choose a head of the last layer to read them.
      </p>
    );
  if (reader === 'text') return <TextReader {...common} map={weights} size={large.size} tokens={tokens} />;
  return (
    <div>
      <SequenceReader {...common} map={weights} size={large.size} tokens={tokens} mass={view.mass} width={width} />
      <label className="mt-1 flex items-center gap-1 text-xs text-dim">
        lines
        <select className={selectClass} value={view.mass} onChange={(e) => attentionView.set({ mass: Number(e.target.value) })}>
          <option value={0}>top key of each answer</option>
          <option value={0.5}>half of the weight</option>
          <option value={0.7}>70 % of the weight</option>
          <option value={0.9}>90 % of the weight</option>
        </select>
      </label>
    </div>
  );
}
