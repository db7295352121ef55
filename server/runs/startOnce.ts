/** A request to start a run may come again, as its answer was lost: the id that the sender made says that it is the same one. */
import { FieldError } from '~/server/base/fieldError';
import type { Actor } from '~/shared/ids';
import type { Rooms } from './rooms';

export interface StartRequest {
  actor: Actor;
  /** Where the request has the id. */
  field: string;
  /** undefined: one is made, and the run is started in any case. */
  runId: string | undefined;
}

/**
 * @param newId makes the ids of runs
 * @returns a function that calls `start`, unless this person has started the run before, and gives the run's id; if `start` gives a refusal instead of null,
 *   that refusal. It throws FieldError where the id is that of another person's run.
 */
export function openStartOnce(rooms: Pick<Rooms, 'knows' | 'open'>, newId: () => string) {
  const starting = new Map<string, Promise<unknown>>();
  return async <R>(
    { actor, field, runId = newId() }: StartRequest,
    start: (runId: string) => Promise<R | null>,
  ): Promise<string | R> => {
    while (starting.has(runId)) await starting.get(runId)!.catch(() => {});
    if (rooms.knows(runId)) {
      if ((await rooms.open(runId))?.room.view.createdBy.id === actor.id) return runId;
      throw new FieldError(field, `there is another run ${runId}; give another id, or leave it out`);
    }
    const started = start(runId);
    starting.set(runId, started);
    return (await started.finally(() => starting.delete(runId))) ?? runId;
  };
}
