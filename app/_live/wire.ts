import type { Command, CommandAnswer } from '~/shared/commands';
import type { Actor } from '~/shared/ids';
import type { Notice } from '~/shared/notices';
import type { Frame, Look, Looking, TrainerSummary, ViewerToServer, WatchAnswer, Watcher, WatchRequest } from '~/shared/protocol';
import type { RunSummary } from '~/shared/summary';

/** The tab's connection as the stores see it: no socket in sight, so that tests drive them by hand. */
export interface Wire {
  up(): boolean;
  /** These reject when the connection breaks, or nothing is answered in time. */
  watch(request: WatchRequest): Promise<WatchAnswer>;
  command(command: Command): Promise<CommandAnswer>;
  watchRuns(): Promise<Parameters<Parameters<ViewerToServer['watchRuns']>[0]>[0]>;
  /** Tells where this tab looks; null = no longer. Lost when there is no connection. */
  look(runId: string, look: Look | null): void;
  /** What the server calls this connection; null when there is none. */
  tab(): string | null;
  unwatch(runId: string): void;
  unwatchRuns(): void;
  listen(listener: WireListener): () => void;
}

export interface WireListener {
  up?(): void;
  /** `refused` is the server's own word when it does not let us in. */
  down?(refused: string | null): void;
  /** The frame counts as dealt with when this returns. */
  frame?(frame: Frame): void;
  watchers?(runId: string, watchers: Watcher[]): void;
  looks?(runId: string, looks: Looking[]): void;
  runs?(changed: RunSummary[]): void;
  /** Something in some run's log asks for this tab's person. */
  notice?(notice: Notice): void;
  trainers?(trainers: TrainerSummary[]): void;
  /** Nothing has come for `ms` over a connection that counts as open; 0: something has come again. */
  silent?(ms: number): void;
  /** Who this tab's person is now. */
  you?(you: Actor): void;
}
