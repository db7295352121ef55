import { lazy, memo, Suspense, useMemo, useRef } from 'react';
import { within } from '~/app/_charts/attention/focus';
import { useSize } from '~/app/_charts/useSize';
import { headCount } from '~/shared/snapshotFile';
import { Analyses } from './Analyses';
import { Announcer } from './Announcer';
import { focusStore, useFocus } from './focusStore';
import { HeadViews } from './HeadViews';
import { Maps } from './Maps';
import { OverTime } from './OverTime';
import { Toolbar } from './Toolbar';
import { useEscape } from './useEscape';
import type { WorkspaceProps } from './workspaceProps';

const RoomPanes = lazy(() => import('./panes/RoomPanes').then((m) => ({ default: m.RoomPanes })));

/** All views of the attention at one step, with one shared cursor and selection. */
export const Workspace = memo(function Workspace(props: WorkspaceProps) {
  const { snapshots, scene, large, view, theme } = props;
  const box = useRef<HTMLDivElement>(null);
  const { width } = useSize(box);
  useEscape(box);
  const focus = useFocus();
  const { snapshot, maps } = scene;
  const pinned = useMemo(() => within(focus.pinned, maps), [focus.pinned, maps]);
  const lit = useMemo(() => within(focus.hovered, maps) ?? pinned, [focus.hovered, maps, pinned]);
  const heads = (
    <>
      <HeadViews snapshots={snapshots} scene={scene} large={large} view={view} theme={theme} lit={lit} />
      <Analyses snapshot={scene.snapshot} />
    </>
  );
  // A single map leaves space beside it.
  const beside = headCount(snapshot.layers) === 1 && view.comparison === null;
  return (
    <div ref={box} onScrollCapture={() => focusStore.send({ type: 'scroll' })}>
      <Toolbar scene={scene} view={view} large={large} />
      {view.comparison && (
        <Suspense fallback={<div className="h-96 animate-pulse bg-raised/40 motion-reduce:animate-none" />}>
          <RoomPanes comparison={view.comparison} snapshots={snapshots} view={view} theme={theme} />
        </Suspense>
      )}
      {!view.comparison && width > 0 && (
        <Maps {...props} width={width} focus={focus} lit={lit} pinned={pinned} beside={beside && heads} />
      )}
      <div className="border-t border-line p-3">
        <OverTime snapshots={snapshots} scene={scene} view={view} large={large} theme={theme} />
      </div>
      {!beside && <div className="flex flex-col gap-3 border-t border-line p-3">{heads}</div>}
      <Announcer scene={scene} />
    </div>
  );
});
