'use client';

import { useTheme } from 'next-themes';
import { largeHead } from '~/app/_charts/attention/focus';
import { Panel } from '~/app/_components/Panel';
import { useAttentionView } from '~/app/_live/attentionView';
import { useCursor } from '~/app/_live/cursor';
import { useLook, useSnapshots } from '~/app/_live/snapshots';
import { useView } from '~/app/_live/useRun';
import { valueAt } from '~/shared/setup';
import { useFocus } from './focusStore';
import { useLarge } from './large';
import { Standing } from './Standing';
import { useScene } from './useScene';
import { Watch } from './Watch';
import { Workspace } from './Workspace';

/** The attention workspace: every head's map at the step where the page stands, what it reads, and how it came about. */
export function AttentionPanel() {
  const snapshots = useSnapshots();
  const step = useCursor((c) => c.step);
  const look = useLook(snapshots, step);
  const view = useAttentionView((v) => v);
  const theme = useTheme().resolvedTheme === 'light' ? 'light' : 'dark';
  const scene = useScene(snapshots, look, view, theme);
  const pointed = largeHead(useFocus());
  const large = useLarge(scene, pointed, view.operation);
  const cadence = useView((v) => v.values.snapshotEverySteps?.value ?? valueAt(v.setup.config, 'snapshotEverySteps'), null);
  return (
    <Panel title="Attention" aside={<Standing look={look} />}>
      {scene && large ? (
        <>
          <Watch snapshots={snapshots} layers={scene.snapshot.layers} heads={scene.snapshot.heads} />
          <Workspace snapshots={snapshots} scene={scene} large={large} view={view} theme={theme} />
        </>
      ) : (
        <p className="px-3 py-10 text-center text-dim">
          {look.error
            ? `The snapshot of step ${look.nearest?.step} could not be read: ${look.error}`
            : look.nearest
              ? `The snapshot of step ${look.nearest.step} is on its way.`
              : `No snapshot yet: the first is taken before the first step, then one every ${cadence} steps.`}
        </p>
      )}
    </Panel>
  );
}
