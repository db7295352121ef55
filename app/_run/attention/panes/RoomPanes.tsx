import { useMemo } from 'react';
import { attentionView } from '~/app/_live/attentionView';
import type { Comparison } from '~/app/_live/comparison';
import { setCursor, useCursor } from '~/app/_live/cursor';
import { runOption, useOtherRuns } from '~/app/_live/otherRun';
import { useRunStore } from '~/app/_live/RunProvider';
import { useRunsBeside } from '~/app/_live/runsBeside';
import { focusStore, useFocus } from '~/app/_run/attention/focusStore';
import { useWorkspace } from '~/app/_run/attention/workspaceContext';
import { stepBeside } from './align';
import { Panes } from './Panes';
import type { Position } from './usePanes';

/** Panes on a run's page, moved by the page's cursor. */
export function RoomPanes({ comparison }: { comparison: Comparison }) {
  const { snapshots, view, theme } = useWorkspace();
  const { runId } = useRunStore();
  const others = useOtherRuns(runId);
  const own = useMemo(() => ({ runId, feed: snapshots.feed }), [runId, snapshots.feed]);
  const runs = useRunsBeside([runId, ...comparison.panes.map((p) => p.run ?? runId)], own);
  const step = useCursor((c) => c.step);
  const { lead } = comparison;
  const position: Position =
    lead && lead.own === step && runs.has(lead.run) ? { run: lead.run, step: lead.step } : { run: runId, step };
  const set = (next: Comparison) => attentionView.set({ comparison: next });
  const move = ({ run, step: to }: Position) => {
    const [from, home] = [runs.get(run), runs.get(runId)];
    const at = run === runId || !from || !home ? to : stepBeside(comparison.align, from, to, home).step;
    set({ ...comparison, lead: run === runId ? null : { run, step: to, own: at } });
    setCursor.pin(at);
  };
  const offered = [
    { run: null, name: `${runs.get(runId)?.name ?? 'this run'} (this run)` },
    ...others.map((r) => ({ run: r.runId, name: runOption(r).text })),
  ];
  return (
    <Panes
      comparison={comparison}
      onChange={set}
      runs={runs}
      offered={offered}
      ownRun={runId}
      position={position}
      onMove={move}
      focus={useFocus()}
      onFocus={focusStore.send}
      palette={view.palette}
      theme={theme}
      flip={view.flip}
      asTable={view.asTable}
    />
  );
}
