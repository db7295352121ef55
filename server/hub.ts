import type { Command, CommandAnswer } from '~/shared/commands';
import type { RunConfig } from '~/shared/config';
import type { RunSummary, RunView } from '~/shared/fold';
import type { Actor } from '~/shared/ids';
import type { TrainerSummary } from '~/shared/protocol';
import type { Store } from './store';

/** What people and scripts may ask of the server, whichever way they come in (tRPC or socket). */
export interface Hub {
  /** Every run, newest first. */
  summaries(): RunSummary[];
  /** The run as of its last committed entry; null when there is none of that name. */
  view(runId: string): Promise<RunView | null>;
  create(actor: Actor, config: RunConfig): Promise<{ runId: string }>;
  /** Resolves once the command is in the log, or with why it is not. */
  command(actor: Actor, command: Command): Promise<CommandAnswer>;
  trainers(): TrainerSummary[];
  readonly store: Pick<Store, 'range' | 'signals' | 'entries'>;
}
