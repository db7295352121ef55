import { useEffect, useState } from 'react';
import { delayed } from '~/app/_charts/delayed';
import { call, Listeners } from './listeners';
import { type RunSources, useRunSources } from './runSources';
import type { RunStore } from './types';

/** How often a page applies changes of the runs that it follows, ms. */
const lookMs = 250;

/** What a page holds of a run that it follows. */
export interface Followed {
  close(): void;
}

/** Follows several runs: each is opened once, and closed when it is no longer named. */
class Room<H extends Followed> {
  readonly held = new Map<string, { of: H; leave(): void }>();
  readonly #listeners = new Listeners();

  constructor(
    private readonly sources: RunSources,
    private readonly open: (store: RunStore, changed: () => void) => H,
  ) {}

  readonly subscribe = this.#listeners.add;
  readonly changed = (): void => this.#listeners.each(call);

  show(runIds: readonly string[]): void {
    for (const [runId, { of, leave }] of this.held) {
      if (runIds.includes(runId)) continue;
      this.held.delete(runId);
      of.close();
      leave();
    }
    for (const runId of runIds) {
      if (this.held.has(runId)) continue;
      const { store, leave } = this.sources.follow(runId);
      this.held.set(runId, { of: this.open(store, this.changed), leave });
    }
  }
}

/**
 * What `open` holds of the runs while they are named; a run that is about to be opened is missing. The component renders again a few times a
 * second while they change.
 *
 * @param open the same function on every render; it calls `changed` for every change
 */
export function useFollowed<H extends Followed>(
  runIds: readonly string[],
  open: (store: RunStore, changed: () => void) => H,
): { held: ReadonlyMap<string, H>; subscribe(listener: () => void): () => void } {
  const sources = useRunSources();
  const [room] = useState(() => new Room(sources, open));
  const [held, setHeld] = useState<ReadonlyMap<string, H>>(new Map());
  useEffect(() => {
    const look = () => setHeld(new Map([...room.held].map(([runId, { of }]) => [runId, of])));
    const later = delayed(look, lookMs);
    const stop = room.subscribe(later.ask);
    room.show(runIds);
    look();
    return () => {
      stop();
      later.cancel();
    };
  }, [room, runIds]);
  useEffect(() => () => room.show([]), [room]);
  return { held, subscribe: room.subscribe };
}
