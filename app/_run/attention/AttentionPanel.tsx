import { useTheme } from 'next-themes';
import { useEffect, useMemo, useRef } from 'react';
import { largeHead } from '~/app/_charts/attention/focus';
import type { Theme } from '~/app/_charts/attention/palettes';
import { count } from '~/app/_components/format';
import { useAttentionView } from '~/app/_live/attentionView';
import { useCursor } from '~/app/_live/cursor';
import { exampleOf, useLook, useSnapshots } from '~/app/_live/snapshots';
import { PanelBody } from '~/app/_run/PanelBody';
import { useFocus } from './focusStore';
import { useLarge } from './large';
import { Standing } from './Standing';
import { useScene } from './useScene';
import { Workspace } from './Workspace';
import { WorkspaceContext } from './workspaceContext';

/** The attention workspace: every head's map at the page's current step, what it attends to, and how it developed. */
export function AttentionPanel() {
  const snapshots = useSnapshots();
  const step = useCursor((c) => c.step);
  const view = useAttentionView((v) => v);
  const look = useLook(snapshots, step, exampleOf(view.source));
  const theme: Theme = useTheme().resolvedTheme === 'light' ? 'light' : 'dark';
  const found = useScene(snapshots, look, view, theme);
  // While the maps of another example load, the previous ones stay visible.
  const last = useRef(found);
  const scene = found ?? (look.nearest && !look.error ? last.current : null);
  useEffect(() => {
    last.current = scene;
  }, [scene]);
  const large = useLarge(scene, largeHead(useFocus()), view.operation);
  const workspace = useMemo(
    () => scene && large && { snapshots, scene, large, view, theme },
    [snapshots, scene, large, view, theme],
  );
  return (
    <PanelBody title="Attention" tools={<Standing look={look} />}>
      {workspace ? (
        <WorkspaceContext value={workspace}>
          <Workspace />
        </WorkspaceContext>
      ) : (
        <p className="px-3 py-10 text-center text-dim">
          {look.error
            ? `The snapshot${look.nearest ? ` of step ${count(look.nearest.step)}` : ''} could not be read: ${look.error}`
            : look.nearest
              ? `The snapshot of step ${count(look.nearest.step)} is on its way.`
              : 'The run has no snapshot.'}
        </p>
      )}
    </PanelBody>
  );
}
