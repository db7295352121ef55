import { nanoid } from 'nanoid';
import { asksCheckpoint } from '~/shared/analyses';
import type { RunEvent } from '~/shared/events';
import type { Actor } from '~/shared/ids';
import { type RevertCommand, revertTarget } from '~/shared/revert';
import type { RunView } from '~/shared/view';

/**
 * The entries that take a run back to a checkpoint: the command and its effect, an answer to every later command that still waited, and a run without a trainer,
 * so that the next takeover (Room.assign) resumes there. A paused run stays paused.
 *
 * @param command has been judged: its checkpoint is there
 * @param seq the place of the first entry
 */
export function revertEvents(
  view: RunView,
  actor: Actor,
  command: RevertCommand,
  seq: number,
  newId: () => string = nanoid,
): RunEvent[] {
  const target = revertTarget(view.checkpoints, command);
  if (!('blob' in target)) throw new Error(`run ${view.runId}: ${target.message}`);
  const { seq: checkpointSeq, step: to, blob, lastCommandSeq } = target;
  const reverted = { seq: checkpointSeq, step: to, blob, lastCommandSeq };
  const message = `${actor.name} took the run back from step ${view.step} to the checkpoint at step ${target.step}`;
  const late = view.commands.filter(
    (c) =>
      !asksCheckpoint(view, c) &&
      (c.outcome.status === 'requested' || (c.outcome.status === 'scheduled' && c.seq > target.lastCommandSeq)),
  );
  const wasPaused = view.statuses.findLast((s) => s.seq < target.seq)?.status === 'paused';
  const pause = (view.statusBeforeLoss ?? view.status) === 'paused' && !wasPaused;
  return [
    { type: 'command.requested', actor, command },
    {
      type: 'command.applied',
      commandId: command.id,
      seq,
      step: view.step,
      before: view.step,
      after: target.step,
      message,
      reverted,
    },
    ...late.map(({ seq: at, command: { id } }) => ({
      type: 'command.refused' as const,
      commandId: id,
      seq: at,
      step: view.step,
      reason: 'state' as const,
      message: `${message} before this could take effect`.slice(0, 500),
    })),
    { type: 'trainer.lost', message },
    ...(pause
      ? [
          {
            type: 'command.requested' as const,
            actor,
            command: { kind: 'act' as const, id: newId(), runId: view.runId, action: 'pause', args: {} },
          },
        ]
      : []),
  ];
}
