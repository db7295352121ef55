/** The requests of a program that were done, so that one that is sent again is not done again, even after a restart of the server. */

import type { Room } from '~/server/runs/room';
import type { Store } from '~/server/store';

/** Most remembered requests of a run. */
const kept = 200;

interface Request {
  id: string;
  attempt: number;
  /** Number of its first event. */
  from: number;
}

/** Whether the events of a request are in the log. */
const reached = ({ attempt, from }: Request, { view, nextEvent }: Room): boolean => attempt < view.attempt || from < nextEvent;

export class DoneRequests {
  #last: { runId: string; requests: Request[] } | null = null;

  constructor(private readonly deps: { store: Pick<Store, 'setting' | 'setSetting'> }) {}

  /** Whether a request was done: its events are in the log. */
  async done(room: Room, id: string): Promise<boolean> {
    const request = (await this.#of(room.runId)).find((r) => r.id === id);
    return !!request && reached(request, room);
  }

  /**
   * Called before the request's events are appended: the log then shows whether they were. Those of an earlier request that were
   * not leave their numbers to these: it is dropped, so that it can be done again.
   */
  async add(room: Room, id: string): Promise<void> {
    const request = { id, attempt: room.view.attempt, from: room.nextEvent };
    const done = (await this.#of(room.runId)).filter((r) => r.id !== id && reached(r, room));
    await this.#keep(room.runId, [...done, request].slice(-kept));
  }

  /**
   * Called before a new attempt begins: requests of the last attempt that never reached the log are dropped, so that they can be
   * done again.
   */
  async settle(room: Room): Promise<void> {
    const requests = await this.#of(room.runId);
    const done = requests.filter((r) => reached(r, room));
    if (done.length < requests.length) await this.#keep(room.runId, done);
  }

  async #of(runId: string): Promise<Request[]> {
    if (this.#last?.runId !== runId)
      this.#last = { runId, requests: JSON.parse((await this.deps.store.setting(`intake.${runId}`)) ?? '[]') };
    return this.#last.requests;
  }

  async #keep(runId: string, requests: Request[]): Promise<void> {
    this.#last = { runId, requests };
    await this.deps.store.setSetting(`intake.${runId}`, JSON.stringify(requests));
  }
}
