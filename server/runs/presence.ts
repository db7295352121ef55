/** Where each viewer of a run looks. Sent to those who watch the run, removed with the connection, and in no log. */

import type { Clock } from '~/server/base/clock';
import type { Actor } from '~/shared/ids';
import type { Look, Looking } from '~/shared/viewerProtocol';
import { mostLooks } from '~/shared/watching';

/** Least time between two messages about one run; with more than 400 tabs longer: 4,000 messages a second. */
const everyMs = 100;
const msPerTab = 0.25;

export interface PresencePort {
  tab: string;
  actor: Actor;
  looks(looks: Looking[], sharing: number): void;
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
  /** The last message, as JSON: one that says the same is not sent. */
  said: string;
}

export class Presence {
  readonly #places = new Map<string, Place>();

  constructor(private readonly clock: Clock) {}

  join(runId: string, port: PresencePort): Present {
    const place = this.#places.get(runId) ?? { ports: new Map(), due: false, notifiedAt: Number.NEGATIVE_INFINITY, said: '' };
    this.#places.set(runId, place);
    place.ports.set(port, null);
    const { looks, sharing } = looksOf(place);
    if (sharing > 0) port.looks(looks, sharing);
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
    const pauseMs = Math.max(everyMs, place.ports.size * msPerTab);
    this.clock.after(Math.max(0, place.notifiedAt + pauseMs - this.clock.elapsed()), () => {
      place.due = false;
      place.notifiedAt = this.clock.elapsed();
      const { looks, sharing } = looksOf(place);
      const said = JSON.stringify([looks, sharing]);
      if (said === place.said) return;
      place.said = said;
      for (const port of place.ports.keys()) port.looks(looks, sharing);
    });
  }
}

function looksOf(place: Place): { looks: Looking[]; sharing: number } {
  const shared = [...place.ports].flatMap(([{ tab, actor }, look]) => (look ? [{ tab, actor, look }] : []));
  const shown = shared.length > mostLooks ? shared.filter(({ look }) => look.leads).slice(0, mostLooks) : shared;
  return { looks: shown, sharing: shared.length };
}
