import { useCallback } from 'react';
import { litHead } from '~/app/_charts/attention/focus';
import type { HeadGridProps } from '~/app/_charts/attention/HeadGrid';
import { range, solo, toggle } from '~/app/_charts/attention/selection';
import { attentionView } from '~/app/_live/attentionView';
import { focusStore } from './focusStore';
import type { Scene } from './useScene';

/** Applies the clicks and keys of the grid to the choice of heads. */
export function useSelect(scene: Scene): HeadGridProps['onSelect'] {
  const { layers } = scene.maps;
  const { hidden } = scene;
  return useCallback(
    (what, ids) => {
      const pinned = litHead(focusStore.get().pinned);
      const next =
        what === 'all'
          ? new Set<string>()
          : what === 'hide'
            ? toggle(hidden, ids, layers)
            : what === 'range' && pinned
              ? solo(new Set(), range([pinned.layer, pinned.head], ids[0]!, layers), layers)
              : solo(hidden, ids, layers);
      attentionView.set({ hidden: [...next] });
    },
    [layers, hidden],
  );
}
