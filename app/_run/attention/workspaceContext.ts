import { createContext, useContext, useMemo } from 'react';
import { type Focus, type Spot, within } from '~/app/_charts/attention/focus';
import type { Theme } from '~/app/_charts/attention/palettes';
import type { AttentionView } from '~/app/_live/attentionView';
import type { Snapshots } from '~/app/_live/snapshots';
import { useFocus } from './focusStore';
import type { Large } from './large';
import type { Scene } from './useScene';

/** What all views of the attention at one step show. */
export interface Workspace {
  snapshots: Snapshots;
  scene: Scene;
  large: Large;
  view: AttentionView;
  theme: Theme;
}

export const WorkspaceContext = createContext<Workspace | null>(null);

export function useWorkspace(): Workspace {
  const workspace = useContext(WorkspaceContext);
  if (!workspace) throw new Error('useWorkspace needs a WorkspaceContext around it');
  return workspace;
}

/** What is pointed at, as far as the maps shown have it. `lit`: highlighted, `pinned`: stays when the pointer leaves. */
export function useLit(): { focus: Focus; lit: Spot | null; pinned: Spot | null } {
  const { maps } = useWorkspace().scene;
  const { layers } = maps;
  const focus = useFocus();
  return useMemo(() => {
    const pinned = within(focus.pinned, { layers });
    return { focus, lit: within(focus.hovered, { layers }) ?? pinned, pinned };
  }, [focus, layers]);
}
