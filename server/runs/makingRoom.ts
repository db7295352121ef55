import type { Clock } from '~/server/base/clock';
import type { Trainers } from '~/server/dispatch/trainers';
import { systemActor } from '~/server/team/people';
import type { Refusal } from '~/shared/commands';
import { actionWithRole } from '~/shared/controlValues';
import type { Entry } from '~/shared/events';
import type { Actor } from '~/shared/ids';
import { refuse } from '~/shared/refusals';
import type { RunSummary } from '~/shared/summary';
import { ended, isOpened, positionInQueue, type RunView } from '~/shared/view';
import type { Room } from './room';
import type { Rooms } from './rooms';

/** `view` is the view after the entries, `before` the one before them. */
export type EntriesListener = (runId: string, entries: Entry[], view: RunView, before: RunView) => void;

export const unknownRun = (runId: string): Refusal => refuse('unknown-run', `there is no run ${runId}`, 'runId');

/** How long a branch "of now", or a run that makes room, waits for its checkpoint. */
const checkpointWithinMs = 20_000;

/** Takes runs from their trainers so that others can have them, each once it has saved a checkpoint. */
export function openMakingRoom(deps: {
  rooms: Pick<Rooms, 'open'>;
  registry: Pick<Trainers, 'holds' | 'release'>;
  clock: Clock;
  newId(): string;
  summary(runId: string): RunSummary | undefined;
  onEntries(listener: EntriesListener): () => void;
}) {
  const { rooms, registry, clock, newId, summary, onEntries } = deps;

  /** Asks the run's trainer for a checkpoint. @returns its hash, or the reason why there is none */
  async function checkpointNow(room: Room, actor: Actor): Promise<string | Refusal> {
    const { runId } = room;
    const id = newId();
    const action = actionWithRole(room.view.controls, 'checkpoint')?.name;
    if (action === undefined)
      return refuse(
        'state',
        'checkpoint: the run declares no action that saves one; branch from an earlier checkpoint',
        'checkpoint',
      );
    /** The outcome, if these entries contain it. */
    const found = (entries: Entry[]): string | Refusal | null => {
      for (const { event } of entries) {
        if (event.type === 'checkpoint' && event.commandId === id) return event.blob.hash;
        if (event.type === 'command.refused' && event.commandId === id)
          return refuse(event.reason, `no checkpoint could be made: ${event.message}`, 'checkpoint');
      }
      return null;
    };
    let stop = () => {};
    const answered = new Promise<string | Refusal>((resolve) => {
      const cancel = clock.after(checkpointWithinMs, () =>
        resolve(refuse('state', 'the trainer has not made a checkpoint in time; branch from an earlier one', 'checkpoint')),
      );
      const stopListening = onEntries((changed, entries) => {
        const answer = changed === runId ? found(entries) : null;
        if (answer !== null) resolve(answer);
      });
      stop = () => {
        cancel();
        stopListening();
      };
    });
    try {
      const given = await room.command(actor, { kind: 'act', id, runId, action, args: {} });
      return given.ok ? await answered : given;
    } finally {
      stop();
    }
  }

  async function makeRoom(actor: Actor, runId: string): Promise<{ ok: true } | Refusal> {
    const room = (await rooms.open(runId))?.room;
    if (!room) return unknownRun(runId);
    if (isOpened(room.view))
      return refuse('state', `runId: run ${runId} is a script's own: it has no place in the queue`, 'runId');
    if (!registry.holds(runId)) return refuse('state', `runId: no trainer has run ${runId}`, 'runId');
    const checkpoint = await checkpointNow(room, actor);
    if (typeof checkpoint !== 'string') return checkpoint;
    const message = `${actor.name} sent it back to the queue: it goes on from here when a trainer is free`;
    // In the log, because its trainer may be away, and must not go on with the run when it comes back.
    const queued = await room.decide((view) => {
      if (ended(view.status)) return refuse('run-ended', 'the run has ended');
      const position = Math.max(positionInQueue(view), clock.now());
      return [
        { type: 'run.queued', actor, position },
        { type: 'trainer.lost', message, released: true },
      ];
    });
    if (!queued.ok) return queued;
    await registry.release(runId, room.view.attempt, message);
    return { ok: true };
  }

  /** Its position in the queue is in the future. */
  const givesWay = (runId: string): boolean => (summary(runId)?.queuePosition ?? 0) > clock.now();
  const making = new Set<string>();

  /**
   * A run waits for trainers that hold other runs: of those that give way, the first that nobody has paused gives up its trainer.
   */
  async function giveWay(waiting: string, held: string[]): Promise<void> {
    if (givesWay(waiting) || held.some((id) => making.has(id))) return;
    const runId = held.find((id) => givesWay(id) && summary(id)?.status === 'running');
    if (runId === undefined) return;
    making.add(runId);
    try {
      await makeRoom(systemActor, runId);
    } finally {
      making.delete(runId);
    }
  }

  return { checkpointNow, makeRoom, giveWay };
}
