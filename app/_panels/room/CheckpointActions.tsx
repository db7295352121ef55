import { GitBranch, History } from 'lucide-react';
import { useState } from 'react';
import { revertAction } from '~/shared/revert';
import { Button } from '../../_components/Button';
import { Confirm } from '../../_components/Confirm';
import { count } from '../../_components/format';
import { useRun } from '../../_live/useRun';
import { useSteer } from '../../_live/useSteer';
import { BranchDialog } from './BranchDialog';

/** What can be done from a checkpoint: go on from it in a run of its own, or take this run back to it. */
export function CheckpointActions({ step, hash, why }: { step: number; hash: string; why: string | null }) {
  const steer = useSteer();
  const may = useRun((r) => r.you !== null && r.you.role !== 'viewer');
  const view = useRun((r) => r.view);
  const [open, setOpen] = useState<'branch' | 'revert' | null>(null);
  const close = () => setOpen(null);
  if (!may || !view) return null;
  return (
    <>
      <Button size="small" look="bare" title="Go on from here in a run of its own" onClick={() => setOpen('branch')}>
        <GitBranch aria-hidden size={12} />
        Branch
      </Button>
      <Button
        size="small"
        look="bare"
        disabled={why !== null}
        title={why ?? 'Take this run back to this checkpoint'}
        onClick={() => setOpen('revert')}
      >
        <History aria-hidden size={12} />
        Revert
      </Button>
      {open === 'branch' && <BranchDialog view={view} checkpoint={hash} onClose={close} />}
      <Confirm
        open={open === 'revert'}
        title={`Take this run back to step ${count(step)}?`}
        text={`The run is at step ${count(view.step)}. What it did after step ${count(step)} is replaced, and the changes made since are undone. To keep both, branch instead.`}
        yes="Revert"
        onYes={() => void steer({ kind: 'act', action: revertAction, args: { step, checkpoint: hash } })}
        onClose={close}
      />
    </>
  );
}
