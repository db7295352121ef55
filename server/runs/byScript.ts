/** What people do to a run that a script opened, where the script has to take part: by an action that it declares, or by being started again. */
import type { RunLists } from '~/server/store/lists';
import { type Command, type Refusal, refuse } from '~/shared/commands';
import { type ActionRole, type ActionSpec, actionWithRole } from '~/shared/controls';
import type { RunView } from '~/shared/view';

const withRole = ({ controls }: RunView, role: ActionRole): ActionSpec | undefined => actionWithRole(controls, role);

/** How the run goes back when its script declares no action for it. */
export function goingBackByScript(view: RunView): string {
  const { setup } = view;
  const own = withRole(view, 'revert');
  if (own) return `the run is a script's own (${setup.name}): take it back with its action "${own.label}"`;
  return `the run is a script's own (${setup.name}), which declares no action that takes it back: start the script again with the run's key and resume = "must", and let it go on from the step you want`;
}

/** How the run is branched. */
export function branchingByScript(view: RunView): string {
  const { runId, setup, step } = view;
  const own = withRole(view, 'branch');
  const how = `start the script with another key and fork = {"runId": "${runId}", "step": ${step}} (or an earlier step)`;
  return own
    ? `the run is a script's own (${setup.name}): branch it with its action "${own.label}", or ${how}`
    : `the run is a script's own (${setup.name}), which declares no action that branches it: ${how}`;
}

/** The command that asks a script to take its run back to a checkpoint, by the action that it declares for it; or why there is none. */
export async function revertOfScript(view: RunView, lists: RunLists, id: string, checkpoint: string): Promise<Command | Refusal> {
  const own = withRole(view, 'revert');
  if (!own) return refuse('state', goingBackByScript(view), 'runId');
  const target = await lists.item('checkpoints', { ref: checkpoint });
  if (!target)
    return refuse('invalid', `checkpoint: the run has no checkpoint ${checkpoint.slice(0, 12)}... in force`, 'checkpoint');
  const known = { step: target.step, checkpoint };
  const args = Object.fromEntries(Object.entries(known).filter(([name]) => own.args.some((a) => a.name === name)));
  return { kind: 'act', id, runId: view.runId, action: own.name, args };
}
