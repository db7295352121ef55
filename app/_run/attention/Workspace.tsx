import { memo, type RefObject, Suspense, useEffect, useRef } from 'react';
import { useSize } from '~/app/_charts/useSize';
import { Awaited, later } from '~/app/_components/later';
import { headCount } from '~/shared/snapshotFile';
import { Analyses } from './Analyses';
import { Announcer } from './Announcer';
import { focusStore } from './focusStore';
import { HeadViews } from './HeadViews';
import { Maps } from './Maps';
import { OverTime } from './OverTime';
import { Toolbar } from './Toolbar';
import { useWorkspace } from './workspaceContext';

const RoomPanes = later(() => import('./panes/RoomPanes').then((m) => ({ default: m.RoomPanes })));

/** All views of the attention at one step, with one shared cursor and selection. */
export const Workspace = memo(function Workspace() {
  const { scene, view } = useWorkspace();
  const box = useRef<HTMLDivElement>(null);
  const { width } = useSize(box);
  useEscape(box);
  const { snapshot } = scene;
  const heads = (
    <>
      <HeadViews />
      <Analyses snapshot={snapshot} />
    </>
  );
  // A single map leaves space beside it.
  const beside = headCount(snapshot.layers) === 1 && view.comparison === null;
  return (
    <div ref={box} onScrollCapture={() => focusStore.send({ type: 'scroll' })}>
      <Toolbar />
      {view.comparison && (
        <Suspense fallback={<Awaited className="h-96 bg-raised/40">Loading…</Awaited>}>
          <RoomPanes comparison={view.comparison} />
        </Suspense>
      )}
      {!view.comparison && width > 0 && <Maps width={width} beside={beside && heads} />}
      <div className="border-t border-line p-3">
        <OverTime />
      </div>
      {!beside && <div className="flex flex-col gap-3 border-t border-line p-3">{heads}</div>}
      <Announcer />
    </div>
  );
});

/** Escape unpins when the focus is anywhere in the workspace, or on no element. */
function useEscape(box: RefObject<HTMLElement | null>): void {
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (event.key !== 'Escape' || event.defaultPrevented) return;
      const inside = event.target === document.body || box.current?.contains(event.target as Node);
      const { hovered, pinned } = focusStore.get();
      if (!inside || (!hovered && !pinned)) return;
      focusStore.send({ type: 'escape' });
      event.preventDefault();
    };
    window.addEventListener('keydown', onKey);
    return () => window.removeEventListener('keydown', onKey);
  }, [box]);
}
