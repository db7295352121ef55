/** What the rest of the server can ask of the runs; openHub.ts answers. */

import type { Clock } from '~/server/base/clock';
import type { OpenedDeps } from '~/server/dispatch/opened';
import type { Questions } from '~/server/dispatch/questions';
import type { Recipes } from '~/server/dispatch/recipes';
import type { Trainers } from '~/server/dispatch/trainers';
import type { Store } from '~/server/store';
import type { Command, CommandAnswer, Refusal } from '~/shared/commands';
import type { Actor } from '~/shared/ids';
import type { BranchRun } from '~/shared/runRequests';
import type { Family, Sparkline } from '~/shared/runTable';
import type { RunSetup } from '~/shared/setup';
import type { RunSummary } from '~/shared/summary';
import type { RunView } from '~/shared/view';
import type { Watcher } from '~/shared/watching';
import type { FirstEntries } from './create';
import type { FrameSettings, Joining, ViewerPort } from './frames';
import type { EntriesListener } from './makingRoom';
import type { Choose, Room, WhyNot } from './room';
import type { RunList } from './runList';
import type { RunTable } from './runTable';

/** Everything that people and scripts can ask of the server, by tRPC or socket. */
export interface Hub {
  /** Every run, newest first. */
  summaries(): RunSummary[];
  /** The tree of branches that a run belongs to; empty when there is no such run. */
  family(runId: string): Family;
  /** The list as a table: searched, sorted and grouped, by pages. */
  readonly table: Pick<RunTable, 'page' | 'points' | 'catalog' | 'estimate'>;
  /** Small charts of the main series of these runs; unknown runs are left out. */
  sparklines(runIds: readonly string[]): Promise<Sparkline[]>;
  /** The run as of its last committed entry; null when there is no such run. */
  view(runId: string): Promise<RunView | null>;
  /**
   * Creates a run. Its setup has been checked (`recipes.check`). Asked for again by the same person with the same `runId`, it is the same run.
   *
   * @throws FieldError naming a command that is not possible, or the id of another run
   */
  create(actor: Actor, setup: RunSetup, more?: FirstEntries): Promise<{ runId: string }>;
  /**
   * Creates a run that continues from another's checkpoint. `runId` null: the run's own script is asked, and opens the branch
   * itself.
   */
  branch(actor: Actor, request: BranchRun): Promise<{ ok: true; runId: string | null } | Refusal>;
  /** Resolves once the command is in the log, or with the reason why it is not. `whyNot` looks at the run when the command's turn has come. */
  command(actor: Actor, command: Command, whyNot?: WhyNot): Promise<CommandAnswer>;
  /** Takes a run back to one of its checkpoints: the command `revert` (shared/revert.ts). */
  revert(actor: Actor, request: { runId: string; checkpoint: string; commandId?: string | undefined }): Promise<CommandAnswer>;
  /** A yes or no to a command that waits for a second operator (Room.answerProposal). */
  answerProposal(actor: Actor, runId: string, commandId: string, approved: boolean): Promise<CommandAnswer>;
  /** Appends entries other than commands (Room.decide). */
  decide(runId: string, choose: Choose): Promise<CommandAnswer>;
  readonly registry: Pick<Trainers, 'list' | 'whyWaits'>;
  readonly recipes: Pick<Recipes, 'list' | 'check'>;
  /**
   * Permanently deletes a run in the trash; its blobs are deleted once nothing names them. @returns false for a run that is not
   * in the trash
   */
  remove(runId: string): Promise<boolean>;
  /** Moves a run that waits for a trainer before another one, or (null) to the end. */
  moveInQueue(actor: Actor, runId: string, before: string | null): Promise<{ ok: true } | Refusal>;
  /** Takes a run from its trainer, once the run has saved a checkpoint, and queues it behind those that wait now. */
  makeRoom(actor: Actor, runId: string): Promise<{ ok: true } | Refusal>;
  /** Questions about checkpoints. */
  readonly questions: Pick<Questions, 'list' | 'move'>;
  /** People who watch the run; empty for an unknown one. */
  watchers(runId: string): Promise<Watcher[]>;
  readonly store: Pick<
    Store,
    'range' | 'rows' | 'series' | 'signals' | 'entries' | 'console' | 'list' | 'item' | 'near' | 'marks'
  >;
}

/** The hub, with the methods that the sockets need. */
export interface OpenHub extends Hub {
  readonly registry: Trainers;
  readonly recipes: Recipes;
  readonly questions: Questions;
  readonly list: RunList;
  /** null when there is no such run. */
  room(runId: string): Promise<Room | null>;
  /** null when there is no such run. `leave` ends the subscription. */
  watch(runId: string, port: ViewerPort, from: Joining): Promise<{ view: Uint8Array | null; leave(): void } | null>;
  /** Called with all entries of every run once they are committed, in each run's order. @returns stop */
  onEntries(listener: EntriesListener): () => void;
  /** Makes an ended run known that import wrote directly to the store. */
  adopt(runId: string): Promise<void>;
  /** Saves views. Everything that writes must already be stopped. */
  close(): Promise<void>;
}

export interface HubDeps {
  store: Store;
  clock: Clock;
  hasBlob(hash: string): Promise<boolean>;
  keepBlob?(hash: string, bytes: Uint8Array): Promise<unknown>;
  onError(error: unknown): void;
  /** Controls and actions that a second operator has to approve; none when left out. */
  needsApproval?(): readonly string[];
  graceMs?: number;
  /** How long the process of a run that a script opened may be silent. */
  crashedMs?: number;
  silentMs?: OpenedDeps['silentMs'];
  /** Holders of runs that are known to have ended, so that no run waits for them. */
  goneTrainers?: ReadonlySet<string>;
  frames?: FrameSettings;
  /** Makes ids of runs and commands; random when left out. */
  newId?(): string;
}
