import type { ActivityEntry } from './activity';
import type { Command, RefusalReason } from './commands';
import type { Controls, ControlValue } from './controls';
import type { Analysis, CheckpointEvent, CheckpointRef, DeviceInfo, Evaluation, ScheduleSpec, SnapshotEvent } from './events';
import type { Actor, BlobRef } from './ids';
import type { MediaEvent } from './media';
import type { Note } from './notes';
import type { Table } from './own';
import type { RunSetup } from './setup';
import type { BestRow, StreamHead } from './streams';

/**
 * The state of a run that everybody sees. Its size does not depend on the run's length: of the lists that grow with it
 * (evaluations, snapshots, commands, ...) it holds the newest items and their number; the others are read by range from the store
 * (lists.ts), like step rows (pyramid.ts).
 */

export type RunStatus =
  | 'queued' // no trainer has taken it yet
  | 'starting' // assigned, not yet training
  | 'running'
  | 'paused'
  | 'waiting' // its trainer is away; it continues when a trainer is back
  | 'finished'
  | 'stopped'
  | 'failed'
  | 'crashed'; // the process that owns it is silent; it continues when that process, or a new one, is back

export const ended = (s: RunStatus): boolean => s === 'finished' || s === 'stopped' || s === 'failed' || s === 'crashed';
/** Ended, and not only silent: the process does not go on with the run unless it opens it again. */
export const over = (s: RunStatus): boolean => ended(s) && s !== 'crashed';

export interface ControlState {
  value: ControlValue;
  /** null until somebody changes it. */
  changedBy: Actor | null;
  changedAtStep: number;
}

export interface CommandRecord {
  /** Its seq in the log. */
  seq: number;
  at: number;
  actor: Actor;
  command: Command;
  /** Step of the run when the command was requested. */
  askedAtStep?: number;
  /** The run had already ended: a question then means its last checkpoint. */
  afterEnd?: true;
  /** The server takes the run back when it receives it (revert.ts). */
  takesBack?: true;
  /** Questions: the position in their queue if somebody moved it; left out: `at`. */
  position?: number;
  /** It had taken effect; the run then went back to a checkpoint before that (revert.ts). */
  undone?: true;
  outcome:
    | { status: 'requested' }
    /** Waits for a second operator. */
    | { status: 'proposed' }
    /** Waits in the trainer for its condition. */
    | { status: 'scheduled'; message: string }
    | { status: 'applied'; seq: number; at: number; step: number; before: ControlValue; after: ControlValue; message: string }
    | { status: 'refused'; seq: number; at: number; step: number | null; reason: RefusalReason; message: string };
}

/** It waits: for its trainer, for its condition, or for a second operator. */
export const waits = ({ outcome }: Pick<CommandRecord, 'outcome'>): boolean =>
  outcome.status === 'requested' || outcome.status === 'scheduled' || outcome.status === 'proposed';

/** The trainer (or the one that answers questions) has not finished it. */
export const isOpen = ({ outcome }: Pick<CommandRecord, 'outcome'>): boolean =>
  outcome.status === 'requested' || outcome.status === 'scheduled';

/** An event of a list, with its seq and time. */
export type WithSeq<E> = E & { seq: number; at: number };

export interface AlertItem {
  step: number | null;
  level: 'info' | 'warning' | 'error';
  kind: string;
  message: string;
  /** false: nobody is notified. */
  notify?: boolean | undefined;
}

export interface StatusItem {
  status: RunStatus;
  step: number;
  message: string;
}

/** A sample as lists show it: the beginning of a text, and its number of characters. `runs.sample` returns the whole text. */
export type MediaItem = WithSeq<Omit<MediaEvent, 'type'>> & { letters?: number };

/** The lists that grow with a run, and what their items are. */
export interface ListItems {
  evaluations: WithSeq<Evaluation>;
  /** `runs.signals` returns the signals; the layers are in the blob too. */
  snapshots: WithSeq<Omit<SnapshotEvent, 'signals' | 'layers'>>;
  checkpoints: WithSeq<CheckpointEvent>;
  alerts: WithSeq<AlertItem>;
  statuses: WithSeq<StatusItem>;
  commands: CommandRecord;
  analyses: WithSeq<Analysis>;
  notes: Note;
  activity: ActivityEntry;
  media: MediaItem;
}
export type ListKind = keyof ListItems;
export const listKinds: readonly ListKind[] = [
  'evaluations',
  'snapshots',
  'checkpoints',
  'alerts',
  'statuses',
  'commands',
  'analyses',
  'notes',
  'activity',
  'media',
];

/** The newest items of a list: all that are in force and have a seq of at least `fromSeq`, ascending by seq. 0 = the whole list. */
export interface Recent<Item> {
  items: Item[];
  fromSeq: number;
}

/** The whole lists, for those who hold them. */
export type WholeLists = { [K in ListKind]: ListItems[K][] };

export interface RunView {
  runId: string;
  /** Last seq folded in; 0 = none. */
  seq: number;
  attempt: number;
  createdAt: number;
  updatedAt: number;
  createdBy: Actor;
  /** Initial setup, but with the run's current name. */
  setup: RunSetup;
  /** `checkpoint` null: a script forked it, and itself knows where it continues from. */
  parent: { runId: string; step: number; checkpoint: BlobRef | null } | null;
  /** The run that this one was imported as a copy of. */
  copyOf?: string;
  /** How a branch differs from its parent. */
  branchChange?: string;
  status: RunStatus;
  statusMessage: string;
  /** The status before the trainer went away. */
  statusBeforeLoss: RunStatus | null;
  /** Time of its first start; null = not started yet. */
  startedAt: number | null;
  trainer: { id: string; name: string; host: string } | null;
  device: DeviceInfo | null;
  /** The series that rows hold, by stream, with their newest values: bounded (streams.ts). */
  streams: StreamHead[];
  /** Counts for the whole run, including streams that `streams` leaves out. */
  streamCount: number;
  columnCount: number;
  /** What its examples are; null = not declared. */
  data: string | null;
  params: { name: string; shape: number[] }[];
  controls: Controls;
  /** By the control's name (own.ts: names are data). */
  values: Table<ControlState>;
  /** 0 = not known. */
  stepsPerEpoch: number;
  /** 0 = not known. */
  totalSteps: number;
  /** How the learning rate depends on the step; null = not declared. */
  schedule: ScheduleSpec | null;
  /** One above the highest step that has a row, or the step at which the run resumed if that is higher. */
  step: number;
  /** The newest items of every list that grows. */
  recent: { [K in ListKind]: Recent<ListItems[K]> };
  /** For every such list: items in force, and the seq of the last one added (0 = none). */
  counts: { [K in ListKind]: { count: number; lastSeq: number } };
  /** Commands that wait for their trainer, their condition or a second operator, in the order of the log; at most `mostOpenCommands`. */
  openCommands: CommandRecord[];
  /** The newest evaluation of each split, in the order of the log; limited to the `mostSplits` newest splits. */
  latestEvaluations: WithSeq<Evaluation>[];
  /** The best evaluation in force by the main metric; null = none has one. */
  best: WithSeq<Evaluation> | null;
  /** The best row of the series that is declared as the main metric; null = there is none. */
  bestRow: BestRow | null;
  /** The newest checkpoint in force. */
  lastCheckpoint: CheckpointRef | null;
  /** Number of checkpoints that were deleted to save space; left out = 0. */
  checkpointsThinned?: number;
  /** The checkpoint to which the next trainer shall go back, and the command that asked for it. */
  pendingRevert: { commandId: string; checkpoint: CheckpointRef } | null;
  /** Consecutive takeovers from the same step, with no revert in between. */
  takeovers: { fromStep: number; count: number };
  /** Number of unresolved threads of notes. */
  openThreads: number;
  /** The only person who may steer, and until when; null = nobody holds the lock. */
  controlLock: { holder: Actor; until: number | null; askedBy: Actor[] } | null;
  tags: string[];
  archived: boolean;
  trashed: boolean;
  /** Its position in the queue of runs that wait for a trainer, if somebody moved it; left out: `createdAt`. */
  queuePosition?: number;
  /** Number of events of the present attempt that were set aside, as last reported. */
  setAside: number;
  /** Seq of the newest output of the process (`runs.console` returns all of it); null = none. */
  console: { lastSeq: number } | null;
  /** Where the program was when the run failed. */
  traceback: string | null;
  /** Hash of the key with which a script opens it; null = no script opens it. */
  openKey: string | null;
  /** Its process gave the run up, or people took it from its trainer: the server waits for neither to come back. */
  released: boolean;
}

/** A run that its own script trains (or a copy of such a run); no waiting trainer takes it. */
export const isOpened = ({ setup }: Pick<RunView, 'setup'>): boolean => setup.recipe === null;

/** A view together with lists. */
export type WithLists = RunView & WholeLists;

/** Most commands that may wait at once; further ones are refused as `busy`. */
export const mostOpenCommands = 100;
export const mostSplits = 32;

/** Lowest first among the runs that wait for a trainer. */
export const positionInQueue = (view: Pick<RunView, 'queuePosition' | 'createdAt'>): number =>
  view.queuePosition ?? view.createdAt;
