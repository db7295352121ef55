/** What the live side of the page offers to its panels. One socket per tab; one run store per run page; the step cursor is shared by all panels. */
import type { Command, CommandAnswer } from '~/shared/commands';
import type { Entry } from '~/shared/events';
import type { Actor } from '~/shared/ids';
import type { ListChange } from '~/shared/lists';
import type { Watcher } from '~/shared/protocol';
import type { RunView } from '~/shared/view';

export type LinkStatus =
  | 'connecting' // nothing yet
  | 'live'
  | 'silent' // the connection counts as open, and nothing comes
  | 'reconnecting' // what is shown may be old
  | 'refused'; // the server said no; `error` tells why (e.g. no such run)

export interface RunState {
  link: LinkStatus;
  error: string | null;
  /** null until the first answer. Immutable: a new object whenever something changed. */
  view: RunView | null;
  watchers: Watcher[];
  you: Actor | null;
  /** A recording without a server (readOnly.ts). */
  readOnly?: true;
}

export interface RunStore {
  runId: string;
  get(): RunState;
  /** Called after every change, at most once per animation frame. */
  subscribe(listener: () => void): () => void;
  /** Every entry as it arrives, with what the entries change in the lists that grow, once and in order; `skipped` [first, last] steps are to be read by range. A fresh view (reconnect) calls `onReset`. */
  onEntries(listener: {
    entries(entries: Entry[], skipped: [number, number] | null, changes: ListChange[]): void;
    reset(view: RunView): void;
  }): () => void;
  /** Fills in runId and a fresh id; the outcome arrives in `view.openCommands`, then in the list of commands. */
  send(command: DraftCommand): Promise<CommandAnswer>;
  close(): void;
}

type WithoutIds<C> = C extends Command ? Omit<C, 'id' | 'runId'> : never;
export type DraftCommand = WithoutIds<Command>;

/** Where everybody on the page looks. `step` = after that many updates (event steps) for snapshots; for step rows the row of update `step`. */
export interface CursorState {
  mode: 'live' | 'pinned';
  /** The step shown: follows the run's head while live, stays put while pinned. */
  step: number;
  /** Under the mouse now, on any chart; null when nowhere. */
  hoverStep: number | null;
  /** Steps shown by all charts; null = everything, growing. */
  zoom: [number, number] | null;
}
