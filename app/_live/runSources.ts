import { createContext, useContext } from 'react';
import { takeEarly } from './early';
import { browserHost } from './host';
import { createRunStore } from './runStore';
import { viewerWire } from './socket';
import type { RunStore } from './types';

/** The runs that a page follows, live or recorded: each is opened once, however many components use it. */
export interface RunSources {
  /** Follows a run until `leave` is called. */
  follow(runId: string): { store: RunStore; leave(): void };
}

export function runSources(open: (runId: string) => RunStore): RunSources {
  const held = new Map<string, { store: RunStore; users: number }>();
  return {
    follow(runId) {
      const run = held.get(runId) ?? { store: open(runId), users: 0 };
      held.set(runId, run);
      run.users += 1;
      let left = false;
      return {
        store: run.store,
        leave() {
          if (left) return;
          left = true;
          run.users -= 1;
          if (run.users > 0) return;
          held.delete(runId);
          run.store.close();
        },
      };
    },
  };
}

/** Runs of the server, over the tab's one connection. */
const ofServer = runSources((runId) => createRunStore(runId, viewerWire(), browserHost, takeEarly(runId)));

/** How long a run that was opened early stays open without a page, ms. */
const earlyMs = 10_000;

/** Asks for the run of the page's address before React has started, so that both take place at the same time. */
export function openEarly(): void {
  const runId = /\/runs\/([a-z0-9]+)\/?$/.exec(location.pathname)?.[1];
  if (runId !== undefined) setTimeout(ofServer.follow(runId).leave, earlyMs);
}

/** A replay provides its own run instead. */
const Sources = createContext(ofServer);
export const GivenSources = Sources.Provider;
export const useRunSources = (): RunSources => useContext(Sources);
