import type { Command, CommandAnswer } from '~/shared/commands';
import type { Actor } from '~/shared/ids';
import type { Notice } from '~/shared/notices';
import type { RunSummary } from '~/shared/summary';
import type { Frame, Look, Looking, TrainerSummary, ViewerToServer, WatchAnswer, WatchRequest } from '~/shared/viewerProtocol';
import type { Watching } from '~/shared/watching';

/** The tab's connection as the stores see it: independent of sockets, so that tests drive it by hand. */
export interface Wire {
  up(): boolean;
  /** These reject when the connection breaks, or when no answer arrives in time. */
  watch(request: WatchRequest): Promise<WatchAnswer>;
  command(command: Command): Promise<CommandAnswer>;
  watchRuns(): Promise<Parameters<Parameters<ViewerToServer['watchRuns']>[0]>[0]>;
  /** Reports what this tab shows; null = nothing any more. Dropped when there is no connection. */
  look(runId: string, look: Look | null): void;
  /** The server's id for this connection; null when there is none. */
  tab(): string | null;
  unwatch(runId: string): void;
  unwatchRuns(): void;
  /** Keeps `openQuestions` (questions.ts) up to date. @returns ends it */
  watchQuestions(): () => void;
  listen(listener: WireListener): () => void;
}

export interface WireListener {
  up?(): void;
  /** `refused` is the server's message when it refuses the connection. `rests`: this tab is hidden, and comes back when it is shown. */
  down?(refused: string | null, rests?: boolean): void;
  /** The frame counts as processed when this function returns. */
  frame?(frame: Frame): void;
  watchers?(runId: string, watchers: Watching): void;
  looks?(runId: string, looks: Looking[], sharing: number): void;
  runs?(changed: RunSummary[]): void;
  /** An entry in a run's log concerns this tab's person. */
  notice?(notice: Notice): void;
  /** What such notices ask for has been answered. */
  answered?(asked: string): void;
  trainers?(trainers: TrainerSummary[]): void;
  /** Nothing has arrived for `ms` over an open connection; 0: a message has arrived again. */
  silent?(ms: number): void;
  /** The identity of this tab's person, now. */
  you?(you: Actor): void;
}
