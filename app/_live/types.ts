/** Types of the live side of the page. One socket per tab; one run store per run page; all panels share the step cursor. */
import type { Command, CommandAnswer } from '~/shared/commands';
import type { Entry } from '~/shared/events';
import type { Actor } from '~/shared/ids';
import type { ListChange } from '~/shared/lists';
import type { RunView } from '~/shared/view';
import type { Watching } from '~/shared/watching';

export type LinkStatus =
  | 'connecting' // nothing received yet
  | 'live'
  | 'silent' // the connection is open, but nothing arrives
  | 'resting' // this hidden tab follows nothing (awake.ts)
  | 'reconnecting' // the data shown may be old
  | 'refused'; // the server refused; `error` says why (e.g. no such run)

export interface RunState {
  link: LinkStatus;
  error: string | null;
  /** null until the first answer. Immutable: a new object whenever something changed. */
  view: RunView | null;
  watchers: Watching;
  you: Actor | null;
  /** A recording without a server (readOnly.ts). */
  readOnly?: true;
}

export interface RunStore {
  runId: string;
  get(): RunState;
  /** Called after every change, at most once per animation frame. */
  subscribe(listener: () => void): () => void;
  /**
   * Called with every entry once and in order, and with the changes that entries make to the growing lists; steps in `skipped`
   * [first, last] must be read by range. A fresh view (reconnect) calls `reset`.
   */
  onEntries(listener: {
    entries(entries: Entry[], skipped: [number, number] | null, changes: ListChange[]): void;
    reset(view: RunView): void;
  }): () => void;
  /** Fills in runId and, unless given, a new id; the outcome arrives in `view.openCommands`, then in the list of commands. */
  send(command: DraftCommand, id?: string): Promise<CommandAnswer>;
  close(): void;
}

type WithoutIds<C> = C extends Command ? Omit<C, 'id' | 'runId'> : never;
export type DraftCommand = WithoutIds<Command>;
