import { memo, useMemo } from 'react';
import { aggregate, deriveMaps, headMap, ofOneSize } from '~/app/_charts/attention/derive';
import { MiniMap } from '~/app/_charts/attention/MiniMap';
import { colorScale } from '~/app/_charts/attention/scale';
import type { AttentionView } from '~/app/_live/attentionView';
import type { AttentionSnapshot } from '~/shared/attentionSnapshot';
import type { Large } from './large';
import type { Scene } from './useScene';

/** Both sides of a difference: this map and the one subtracted from it, on one scale from 0 to 1. */
export const BothSides = memo(function BothSides({
  scene,
  large,
  view,
  theme,
}: {
  scene: Scene;
  large: Large;
  view: AttentionView;
  theme: 'light' | 'dark';
}) {
  const { snapshot, other, source, shown } = scene;
  const sides = useMemo(() => {
    if (!other) return null;
    const side = (s: AttentionSnapshot) => {
      const maps = deriveMaps(s, source, null);
      return large.head
        ? { values: headMap(maps, large.head.layer, large.head.head), quantity: maps.quantity }
        : aggregate(maps, ofOneSize(maps, shown).heads, view.operation);
    };
    return { these: side(snapshot), those: side(other) };
  }, [snapshot, other, source, shown, large.head, view.operation]);
  if (!sides || !other) return null;
  const scale = colorScale({
    kind: 'unit',
    quantity: sides.these.quantity,
    keys: large.size.keys,
    peak: 1,
    sequential: view.palette,
    theme,
  });
  const common = { ...large.size, scale, side: 150, flip: view.flip };
  return (
    <div className="flex flex-wrap items-end gap-3" data-testid="both-sides">
      <MiniMap values={sides.these.values} title={`step ${scene.recorded.step}`} {...common} />
      <span aria-hidden className="self-center text-lg text-dim">
        −
      </span>
      <MiniMap values={sides.those.values} title={scene.referenceWords ?? ''} {...common} />
      <span className="text-2xs text-dim">both 0 to {scale.high}</span>
    </div>
  );
});
