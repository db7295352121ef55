import { useMemo } from 'react';
import { mapOfHeads, mapSize } from '~/app/_charts/attention/derive';
import type { ColorScale, Quantity } from '~/app/_charts/attention/scale';
import { describeHeads } from '~/app/_charts/attention/selection';
import { headName } from '~/app/_charts/attention/tokens';
import type { MapSize, Operation } from '~/shared/attention';
import { headCount } from '~/shared/snapshotFile';
import type { Scene } from './useScene';

/** The large map: of one head, or of several combined. */
export interface Large {
  head: { layer: number; head: number } | null;
  values: Float32Array;
  /** The layer that gives the map its size. */
  layer: number;
  size: Required<MapSize>;
  quantity: Quantity;
  scale: ColorScale;
  /** "layer 2 head 3", "mean of all 8 heads" */
  where: string;
  /** Number of cells that are NaN or infinite. */
  bad: number;
}

const operationWords: Record<Operation, string> = { mean: 'mean', max: 'maximum', std: 'spread (standard deviation)' };
export const quantityWords: Record<Quantity, string> = {
  weight: 'attention weight',
  difference: 'difference of weights',
  spread: 'standard deviation',
};

export function useLarge(
  scene: Scene | null,
  pointed: { layer: number; head: number } | null,
  operation: Operation,
): Large | null {
  const [l, h] = [pointed?.layer ?? -1, pointed?.head ?? -1];
  return useMemo(() => {
    if (!scene) return null;
    const { maps, shown } = scene;
    const only = shown.length === 1 ? { layer: shown[0]![0], head: shown[0]![1] } : null;
    const head = h >= 0 && h < (maps.layers[l]?.heads ?? 0) ? { layer: l, head: h } : only;
    const { layer, heads, values, quantity } = mapOfHeads(maps, head, shown, operation);
    const size = mapSize(maps, layer);
    const some = heads.length < shown.length ? ` (those of ${size.queries} × ${size.keys})` : '';
    return {
      head,
      layer,
      size,
      values,
      quantity,
      scale: head ? scene.scaleOf(layer, head.head) : scene.scaleFor(values, quantity),
      where: head
        ? headName(layer, head.head)
        : `${operationWords[operation]} of ${describeHeads(heads, headCount(maps.layers))}${some}`,
      bad: values.reduce((n, v) => n + (Number.isFinite(v) ? 0 : 1), 0),
    };
  }, [scene, l, h, operation]);
}
