import { History } from 'lucide-react';
import { useRef, useState } from 'react';
import { beginning } from '~/app/_charts/format';
import { Button } from '~/app/_components/Button';
import { Confirm } from '~/app/_components/Confirm';
import { count } from '~/app/_components/format';
import { useReadOnly } from '~/app/_live/readOnly';
import { toast } from '~/app/_live/toast';
import { useRun } from '~/app/_live/useRun';
import { useRunIds } from '~/app/_live/useRunIds';
import { useAsk } from '~/app/_run/notes/useAsk';
import { api } from '~/app/_trpc/client';
import { actionWithRole } from '~/shared/controlValues';
import { ended, isOpened } from '~/shared/view';
import { OpenBranch } from './BranchDialog';
import { useWhyNotRevert } from './useWhyNot';

/** Actions on a checkpoint: continue from it in a new run, or take this run back to it; an ended run then continues. */
export function CheckpointActions(props: {
  step: number;
  hash: string;
  look?: 'bare' | 'plain';
  /** The buttons name the step. */
  named?: boolean;
  /** Name of the checkpoint among others. */
  of?: string;
}) {
  const { step, hash, look = 'bare', named = false, of } = props;
  const { busy, ask } = useAsk();
  const why = useWhyNotRevert();
  const readOnly = useReadOnly();
  const may = useRun((r) => r.you !== null && r.you.role !== 'viewer');
  const view = useRun((r) => r.view);
  const idsFor = useRunIds();
  /** How many requests for a branch were answered: one that is sent again because its answer was lost keeps its id. */
  const answered = useRef(0);
  // The question stays about its checkpoint while the page goes on.
  const [reverting, setReverting] = useState<{ step: number; hash: string } | null>(null);
  if (!(may || reverting) || !view || readOnly) return null;
  const over = ended(view.status);
  const scripts = isOpened(view);
  // A run that a script opened offers only what the script declares; the Script section says how to restart it.
  const goesBack = !scripts || (!over && actionWithRole(view.controls, 'revert') !== undefined);
  const branches = !scripts || (!over && actionWithRole(view.controls, 'branch') !== undefined);
  // A script branches its run without changes: there is nothing to choose.
  const branch = () =>
    ask(async () => {
      const name = beginning(`${view.setup.name} from ${step}`, 80);
      const [branchId] = idsFor(`${hash} ${answered.current}`, 1);
      const request = { runId: view.runId, branchId, checkpoint: hash, name, changes: [], repeat: null };
      const answer = await api.runs.branch.mutate(request);
      answered.current++;
      if (answer.ok) toast.success('The script is asked for a branch; it is in the list of runs once the script has opened it');
      return answer;
    });
  const to = reverting?.step ?? step;
  const replaced =
    view.step > to ? `What it did after step ${count(to)} is replaced, and the changes made since are undone. ` : '';
  return (
    <>
      {branches && (
        <OpenBranch
          checkpoint={hash}
          look={look}
          of={of}
          title="Go on from here in a run of its own"
          {...(scripts && { disabled: busy || why !== null, onClick: () => void branch() })}
        >
          {named ? `Branch from ${count(step)}` : 'Branch'}
        </OpenBranch>
      )}
      {goesBack && (
        <Button
          size="small"
          look={look}
          of={of}
          disabled={why !== null}
          title={why ?? (over ? 'Let this run go on from this checkpoint' : 'Take this run back to this checkpoint')}
          onClick={() => setReverting({ step, hash })}
        >
          <History aria-hidden size={12} />
          {over ? 'Go on' : 'Revert'}
          {named && `${over ? ' from' : ' to'} ${count(step)}`}
        </Button>
      )}
      <Confirm
        open={reverting !== null}
        title={over ? `Let this run go on from step ${count(to)}?` : `Take this run back to step ${count(to)}?`}
        why={why}
        text={`${over ? `The run has ended (${view.status}) at` : 'The run is at'} step ${count(view.step)}. ${replaced}${over ? 'It waits in the queue until a trainer is free. ' : ''}${scripts ? '' : 'To keep both, branch instead.'}`}
        yes={over ? 'Go on' : 'Revert'}
        onYes={() => reverting && void ask(() => api.runs.revert.mutate({ runId: view.runId, checkpoint: reverting.hash }))}
        onClose={() => setReverting(null)}
      />
    </>
  );
}
