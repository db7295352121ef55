/** Going back to a checkpoint of a run, in the run itself or as a branch of it; a script's own run goes back by its script. */

import type { CommandAnswer } from '~/shared/commands';
import type { ServerEvent } from '~/shared/events';
import { type RevertCommand, revertAction } from '~/shared/revert';
import { isOpened } from '~/shared/view';
import { branchEvents } from './branch';
import { branchOfScript, revertOfScript } from './byScript';
import type { Hub } from './hub';
import { type openMakingRoom, unknownRun } from './makingRoom';
import { notHere } from './revert';
import type { Room } from './room';
import type { Rooms } from './rooms';
import type { openStartOnce } from './startOnce';

type RunCreated = Extract<ServerEvent, { type: 'run.created' }>;

interface GoingBackDeps {
  rooms: Pick<Rooms, 'open'>;
  /** Asks the run's room; of an unknown run it is refused. */
  inRoom(runId: string, ask: (room: Room) => Promise<CommandAnswer>): Promise<CommandAnswer>;
  /** Writes the first entries of a branch, which then waits for a trainer. */
  begin(runId: string, created: RunCreated, next: ServerEvent[]): Promise<void>;
  startOnce: ReturnType<typeof openStartOnce>;
  makingRoom: Pick<ReturnType<typeof openMakingRoom>, 'checkpointNow'>;
  hasBlob(hash: string): Promise<boolean>;
  newId(): string;
  now(): number;
  needsApproval(): readonly string[];
}

export function openGoingBack(deps: GoingBackDeps): Pick<Hub, 'branch' | 'revert'> {
  const { rooms, inRoom, begin, startOnce, makingRoom, hasBlob, newId, now, needsApproval } = deps;
  return {
    async branch(actor, request) {
      const parent = await rooms.open(request.runId);
      if (!parent) return unknownRun(request.runId);
      if (isOpened(parent.room.view)) {
        const id = request.branchId === undefined ? newId() : `branch-${request.branchId}`;
        const command = await branchOfScript(parent.room.view, parent.room.lists, id, request);
        if ('ok' in command) return command;
        const asked = await parent.room.command(actor, command);
        return asked.ok ? { ok: true, runId: null } : asked;
      }
      const started = await startOnce({ actor, field: 'branchId', runId: request.branchId }, async (runId) => {
        const checkpoint = request.checkpoint ?? (await makingRoom.checkpointNow(parent.room, actor));
        if (typeof checkpoint !== 'string') return checkpoint;
        // In a turn of the parent: its checkpoint must not be thinned before the branch names it.
        const begun = await parent.room.decide(async (view, lists) => {
          const branch = await branchEvents(view, lists, runId, actor, request, checkpoint, {
            now: now(),
            needsApproval: needsApproval(),
            newId,
          });
          if (!branch.ok) return branch;
          if (!(await hasBlob(checkpoint))) return notHere('checkpoint', branch.created.parent!.step);
          await begin(runId, branch.created, branch.commands);
          return [];
        });
        return begun.ok ? null : begun;
      });
      return typeof started === 'string' ? { ok: true, runId: started } : started;
    },

    revert: (actor, { runId, checkpoint, commandId = newId() }) =>
      inRoom(runId, async (room) => {
        if (isOpened(room.view)) {
          const command = await revertOfScript(room.view, room.lists, commandId, checkpoint);
          return 'ok' in command ? command : room.command(actor, command);
        }
        const step = (await room.lists.item('checkpoints', { ref: checkpoint }))?.step;
        const args: RevertCommand['args'] = step === undefined ? { checkpoint } : { step, checkpoint };
        const answer = await room.command(actor, { kind: 'act', id: commandId, runId, action: revertAction, args });
        return !answer.ok && answer.field?.startsWith('args.') ? { ...answer, field: 'checkpoint' } : answer;
      }),
  };
}
