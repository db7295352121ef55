/** Where each viewer of a run looks. Sent to those who watch the run, removed with the connection, and in no log. */

import type { Clock } from '~/server/base/clock';
import type { Actor } from '~/shared/ids';
import type { Look, Looking } from '~/shared/protocol';

/** Least time between two messages about one run. */
const everyMs = 100;

export interface PresencePort {
  tab: string;
  actor: Actor;
  looks(looks: Looking[]): void;
}

export interface Present {
  /** null = no longer shared. */
  look(look: Look | null): void;
  leave(): void;
}

interface Place {
  ports: Map<PresencePort, Look | null>;
  /** A message is scheduled. */
  due: boolean;
  notifiedAt: number;
}

export class Presence {
  readonly #places = new Map<string, Place>();

  constructor(private readonly clock: Clock) {}

  join(runId: string, port: PresencePort): Present {
    const place = this.#places.get(runId) ?? { ports: new Map(), due: false, notifiedAt: Number.NEGATIVE_INFINITY };
    this.#places.set(runId, place);
    place.ports.set(port, null);
    const shared = looksOf(place);
    if (shared.length > 0) port.looks(shared);
    return {
      look: (look) => {
        if (!place.ports.has(port)) return;
        place.ports.set(port, look);
        this.#notify(place);
      },
      leave: () => {
        const was = place.ports.get(port);
        if (!place.ports.delete(port)) return;
        if (place.ports.size === 0) this.#places.delete(runId);
        else if (was) this.#notify(place);
      },
    };
  }

  /** Sends immediately if the last message is long ago, else when the pause is over: the newest state either way. */
  #notify(place: Place): void {
    if (place.due) return;
    place.due = true;
    this.clock.after(Math.max(0, place.notifiedAt + everyMs - this.clock.elapsed()), () => {
      place.due = false;
      place.notifiedAt = this.clock.elapsed();
      const looks = looksOf(place);
      for (const port of place.ports.keys()) port.looks(looks);
    });
  }
}

const looksOf = (place: Place): Looking[] =>
  [...place.ports].flatMap(([{ tab, actor }, look]) => (look ? [{ tab, actor, look }] : []));
