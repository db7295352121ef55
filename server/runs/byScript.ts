/**
 * Requests of people that need the help of the script that opened the run: the script declares an action for them, or has to be
 * started again.
 */
import type { RunLists } from '~/server/store/lists';
import type { Command, Refusal } from '~/shared/commands';
import type { ActionRole, ActionSpec } from '~/shared/controls';
import { actionWithRole } from '~/shared/controlValues';
import { refuse } from '~/shared/refusals';
import type { BranchRun } from '~/shared/runRequests';
import type { ListItems, RunView } from '~/shared/view';

const withRole = ({ controls }: RunView, role: ActionRole): ActionSpec | undefined => actionWithRole(controls, role);

/** How to take the run back when its script declares no action for it. */
export function goingBackByScript(view: RunView): string {
  const { setup } = view;
  const own = withRole(view, 'revert');
  if (own) return `the run is a script's own (${setup.name}): take it back with its action "${own.label}"`;
  return `the run is a script's own (${setup.name}), which declares no action that takes it back: start the script again with the run's key and resume = "must", and let it go on from the step you want`;
}

/**
 * The command that asks a script to take its run back to a checkpoint, using the action that the script declares; or why there is
 * none.
 */
export async function revertOfScript(view: RunView, lists: RunLists, id: string, checkpoint: string): Promise<Command | Refusal> {
  const own = withRole(view, 'revert');
  if (!own) return refuse('state', goingBackByScript(view), 'runId');
  const target = await lists.item('checkpoints', { ref: checkpoint });
  return target ? asked(view, own, id, place(target)) : noCheckpoint(checkpoint);
}

/** The same for a branch: the script opens it, as a new run that forks from this one. */
export async function branchOfScript(
  view: RunView,
  lists: RunLists,
  id: string,
  { checkpoint, name, changes, repeat }: BranchRun,
): Promise<Command | Refusal> {
  const own = withRole(view, 'branch');
  if (!own) {
    const { runId, setup, step } = view;
    return refuse(
      'state',
      `the run is a script's own (${setup.name}), which declares no action that branches it: start the script with another key and fork = {"runId": "${runId}", "step": ${step}} (or an earlier step)`,
      'runId',
    );
  }
  if (changes.length > 0 || repeat)
    return refuse('invalid', 'changes: a script branches its run as it is; change and repeat nothing', 'changes');
  const target = checkpoint === null ? null : await lists.item('checkpoints', { ref: checkpoint });
  if (checkpoint !== null && !target) return noCheckpoint(checkpoint);
  return asked(view, own, id, { name, ...(target ? place(target) : { step: view.step }) });
}

const noCheckpoint = (checkpoint: string): Refusal =>
  refuse('invalid', `checkpoint: the run has no checkpoint ${checkpoint.slice(0, 12)}... in force`, 'checkpoint');

const place = ({ step, blob, reference }: ListItems['checkpoints']) => ({
  step,
  checkpoint: blob.hash,
  ...(reference !== undefined && { reference }),
});

/** The action with those of the arguments that the script declares. */
function asked(
  { runId }: RunView,
  { name: action, args }: ActionSpec,
  id: string,
  known: Record<string, string | number>,
): Command {
  const given = Object.entries(known).filter(([name]) => args.some((a) => a.name === name));
  return { kind: 'act', id, runId, action, args: Object.fromEntries(given) };
}
