import { nanoid } from 'nanoid';
import { refOf } from '~/server/store/completeLog';
import type { RunLists } from '~/server/store/lists';
import { asksCheckpoint } from '~/shared/analyses';
import { applied, refused } from '~/shared/commandAnswers';
import type { Command, Refusal } from '~/shared/commands';
import { actionWithRole } from '~/shared/controlValues';
import type { RunEvent } from '~/shared/events';
import type { Actor } from '~/shared/ids';
import { refuse } from '~/shared/refusals';
import { type RevertCommand, revertTarget, takesBack } from '~/shared/revert';
import type { ListItems, RunView } from '~/shared/view';

/** A checkpoint in force whose file was lost. */
export const notHere = (field: string, step: number): Refusal =>
  refuse('state', `${field}: the checkpoint at step ${step} is no longer kept here`, field);

/**
 * The checkpoints in force that a command may mean (for a question, the one that it names; for a revert, those with its step or
 * its bytes), the nearest to its step, and the newest ones, in the order of the log.
 */
export async function checkpointsMeant(view: RunView, lists: RunLists, command: Command): Promise<ListItems['checkpoints'][]> {
  if (command.kind !== 'act') return [];
  const { checkpoint = command.checkpoint, step } = takesBack(view, command) ? command.args : {};
  const found = await lists.list('checkpoints', { limit: 20 });
  if (typeof checkpoint === 'string') found.push(...(await lists.list('checkpoints', { ref: checkpoint, limit: 20 })));
  if (typeof step === 'number') {
    const [before] = await lists.list('checkpoints', { toStep: step, limit: 1 });
    const [after] = await lists.list('checkpoints', { fromStep: step + 1, after: 0, limit: 1 });
    found.push(...(await lists.list('checkpoints', { fromStep: step, toStep: step + 1, limit: 20 })));
    found.push(...[before, after].filter((c) => c !== undefined));
  }
  return [...new Map(found.map((c) => [c.seq, c])).values()].sort((a, b) => a.seq - b.seq);
}

/**
 * The entries that take a run back to a checkpoint: the command and its effect, an answer to every later command that still
 * waited, and the loss of its trainer, so that the next takeover (Room.assign) resumes there. A paused run stays paused.
 *
 * @param command already checked: its checkpoint exists
 * @param seq seq of the first entry
 */
export async function revertEvents(
  view: RunView,
  lists: RunLists,
  actor: Actor,
  command: RevertCommand,
  seq: number,
  newId: () => string = nanoid,
): Promise<RunEvent[]> {
  const target = revertTarget(await checkpointsMeant(view, lists, command), command);
  if (!('blob' in target)) throw new Error(`run ${view.runId}: ${target.message}`);
  const reverted = refOf(target);
  const message = `${actor.name} took the run back from step ${view.step} to the checkpoint at step ${target.step}`;
  const late = view.openCommands.filter(
    (c) =>
      !asksCheckpoint(view, c) &&
      (c.outcome.status === 'requested' || (c.outcome.status === 'scheduled' && c.seq > target.lastCommandSeq)),
  );
  const [before] = await lists.list('statuses', { before: target.seq, limit: 1 });
  const wasPaused = before?.status === 'paused';
  const isPaused = (view.statusBeforeLoss ?? view.status) === 'paused';
  const action = isPaused && !wasPaused ? actionWithRole(view.controls, 'pause')?.name : undefined;
  const pause: Command | null = action === undefined ? null : { kind: 'act', id: newId(), runId: view.runId, action, args: {} };
  return [
    { type: 'command.requested', actor, command },
    { ...applied({ seq, command }, view.step, message, { before: view.step, after: target.step }), reverted },
    ...late.map((c) => refused(c, view.step, 'state', `${message} before this could take effect`)),
    { type: 'trainer.lost', message },
    ...(pause ? [{ type: 'command.requested' as const, actor, command: pause }] : []),
  ];
}
