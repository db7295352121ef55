import { createStore } from './store';
import type { LinkStatus } from './types';

export interface Connection {
  link: LinkStatus;
  /** Why the server does not let this tab connect, e.g. because the person was signed out; null while it does. */
  refused: string | null;
  /** What keeps the server from working, as it said last over the open connection; null = nothing. */
  problem: string | null;
  /** How often the tab has been connected: data read before the last time may be out of date. */
  times: number;
}

/** The tab's connection to the server, whatever its page follows. `socketWire` keeps it up to date. */
export const connection = createStore<Connection>({ link: 'connecting', refused: null, problem: null, times: 0 });
