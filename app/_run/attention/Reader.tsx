import { useMemo } from 'react';
import { aggregate, deriveMaps, headMap } from '~/app/_charts/attention/derive';
import type { Spot } from '~/app/_charts/attention/focus';
import { ReverseReader } from '~/app/_charts/attention/ReverseReader';
import { SetReader } from '~/app/_charts/attention/SetReader';
import { type AttentionView, attentionView } from '~/app/_live/attentionView';
import { useView } from '~/app/_live/useRun';
import { focusStore } from './focusStore';
import type { Large } from './large';
import { selectClass } from './Toolbar';
import type { Scene } from './useScene';

/** What the model was given and what it answered, beside what it looked at. */
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
  const pictures = useView((v) => v.data, null);
  // The lines are of what this step looks at, whatever is subtracted from it in the map.
  const weights = useMemo(() => {
    if (large.quantity === 'weight') return large.values;
    const maps = deriveMaps(snapshot, source, null);
    return large.head ? headMap(maps, large.head.layer, large.head.head) : aggregate(maps, shown, 'mean').values;
  }, [large, snapshot, source, shown]);
  if (source.kind !== 'example')
    return <p className="text-xs text-dim">An average has no inputs or answers of its own: choose an example to read one.</p>;
  if (snapshot.task === 'anomaly')
    return (
      <SetReader
        snapshot={snapshot}
        example={source.example}
        tokens={scene.tokens}
        pictures={pictures}
        lit={lit}
        onFocus={focusStore.send}
      />
    );
  return (
    <div>
      <ReverseReader
        snapshot={snapshot}
        example={source.example}
        map={weights}
        mass={view.mass}
        width={width}
        lit={lit}
        onFocus={focusStore.send}
      />
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
