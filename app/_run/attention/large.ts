import { useMemo } from 'react';
import { aggregate, headMap } from '~/app/_charts/attention/derive';
import type { ColourScale, Quantity } from '~/app/_charts/attention/scale';
import { describeHeads } from '~/app/_charts/attention/selection';
import { headName } from '~/app/_charts/attention/tokens';
import type { Operation } from '~/shared/attention';
import type { Scene } from './useScene';

/** The map shown large: one head's, or several put together. */
export interface Large {
  head: { layer: number; head: number } | null;
  values: Float32Array;
  quantity: Quantity;
  scale: ColourScale;
  /** "layer 2 head 3", "mean of all 8 heads" */
  where: string;
  /** Cells that are NaN or infinite. */
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
    const { maps, shown, snapshot } = scene;
    const only = shown.length === 1 ? { layer: shown[0]![0], head: shown[0]![1] } : null;
    const asked =
      layer !== null && headNumber !== null && layer < maps.layers && headNumber < maps.heads
        ? { layer, head: headNumber }
        : null;
    const head = asked ?? only;
    if (head) {
      const values = headMap(maps, head.layer, head.head);
      return {
        head,
        values,
        quantity: maps.quantity,
        scale: scene.scaleOf(head.layer, head.head),
        where: headName(head.layer, head.head),
        bad: countBad(values),
      };
    }
    const { values, quantity } = aggregate(maps, shown, operation);
    const where = `${operationWords[operation]} of ${describeHeads(shown, snapshot.layers * snapshot.heads)}`;
    return { head: null, values, quantity, scale: scene.scaleFor(values, quantity), where, bad: countBad(values) };
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
