import { GitBranch } from 'lucide-react';
import { useState } from 'react';
import { Button } from '~/app/_components/Button';
import { useRun } from '~/app/_live/useRun';
import { BranchDialog } from './BranchDialog';

/** Asks what the run would have done without a change: a branch from the checkpoint before it, with every later change except this one. */
export function WhatIf({ checkpoint, without }: { checkpoint: string; without: string }) {
  const view = useRun((r) => r.view);
  const may = useRun((r) => r.you !== null && r.you.role !== 'viewer');
  const [open, setOpen] = useState(false);
  if (!view || !may) return null;
  return (
    <>
      <Button
        size="small"
        look="bare"
        title="What if we had not? Branch from the checkpoint before, without this change"
        onClick={() => setOpen(true)}
      >
        <GitBranch aria-hidden size={12} />
        Branch without this change
      </Button>
      {open && <BranchDialog view={view} checkpoint={checkpoint} without={without} onClose={() => setOpen(false)} />}
    </>
  );
}
