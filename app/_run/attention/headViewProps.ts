import type { Spot } from '~/app/_charts/attention/focus';
import type { WorkspaceProps } from './workspaceProps';

/** A view of all heads at one step. */
export interface HeadViewProps extends WorkspaceProps {
  lit: Spot | null;
}
