import type { AttentionView } from '~/app/_live/attentionView';
import type { Snapshots } from '~/app/_live/snapshots';
import type { Large } from './large';
import type { Scene } from './useScene';

/** What all views of the attention at one step show. */
export interface WorkspaceProps {
  snapshots: Snapshots;
  scene: Scene;
  large: Large;
  view: AttentionView;
  theme: 'light' | 'dark';
}
