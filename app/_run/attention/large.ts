import { useMemo } from 'react';
import { aggregate, headMap, mapSize, ofOneSize } from '~/app/_charts/attention/derive';
import type { ColorScale, Quantity } from '~/app/_charts/attention/scale';
import { allHeads, describeHeads } from '~/app/_charts/attention/selection';
import { headName } from '~/app/_charts/attention/tokens';
import type { MapSize, Operation } from '~/shared/attention';
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

export function useLarge(
  scene: Scene | null,
  pointed: { layer: number; head: number } | null,
  operation: Operation,
): Large | null {
  const layer = pointed?.layer ?? null;
  const headNumber = pointed?.head ?? null;
  return useMemo(() => {
    if (!scene) return null;
    const { maps, shown } = scene;
    const only = shown.length === 1 ? { layer: shown[0]![0], head: shown[0]![1] } : null;
    const asked =
      layer !== null && headNumber !== null && headNumber < (maps.layers[layer]?.heads ?? 0) ? { layer, head: headNumber } : null;
    const head = asked ?? only;
    if (head) {
      const values = headMap(maps, head.layer, head.head);
      return {
        head,
        layer: head.layer,
        size: mapSize(maps, head.layer),
        values,
        quantity: maps.quantity,
        scale: scene.scaleOf(head.layer, head.head),
        where: headName(head.layer, head.head),
        bad: countBad(values),
      };
    }
    // Only maps of equal size can be combined.
    const alike = ofOneSize(maps, shown);
    const size = mapSize(maps, alike.layer);
    const { values, quantity } = aggregate(maps, alike.heads, operation);
    const total = allHeads(maps.layers).length;
    const which = describeHeads(alike.heads, total);
    const where = `${operationWords[operation]} of ${which}${alike.heads.length < shown.length ? ` (those of ${size.queries} × ${size.keys})` : ''}`;
    return {
      head: null,
      layer: alike.layer,
      size,
      values,
      quantity,
      scale: scene.scaleFor(values, quantity),
      where,
      bad: countBad(values),
    };
  }, [scene, layer, headNumber, operation]);
}

function countBad(values: Float32Array): number {
  let bad = 0;
  for (const v of values) if (!Number.isFinite(v)) bad++;
  return bad;
}

export const quantityWords: Record<Quantity, string> = {
  weight: 'attention weight',
  difference: 'difference of weights',
  spread: 'standard deviation',
};
