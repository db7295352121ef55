import type { ActivityEntry } from './activity';
import type { Command, RefusalReason } from './commands';
import type { Controls, ControlValue } from './controls';
import type { Analysis, CheckpointEvent, CheckpointRef, DeviceInfo, Evaluation, SnapshotEvent } from './events';
import type { Actor, BlobRef } from './ids';
import type { MediaEvent } from './media';
import type { Note } from './notes';
import type { Table } from './own';
import type { ScheduleSpec } from './schedule';
import type { RunSetup } from './setup';
import type { BestRow, StreamHead } from './streams';

/**
 * What everybody sees of a run: its head. Its size does not depend on how long the run is: of the lists that grow with it (evaluations, snapshots, commands, ...)
 * it holds the newest items and how many there are; the others are read by range from the store (lists.ts), like step rows (pyramid.ts).
 */

export type RunStatus =
  | 'queued' // no trainer has taken it yet
  | 'starting' // assigned, not yet training
  | 'running'
  | 'paused'
  | 'waiting' // its trainer is away; it goes on when one is back
  | 'finished'
  | 'stopped'
  | 'failed'
  | 'crashed'; // nothing was heard of the process that owns it; it goes on when that one, or a new one, is back

export const ended = (s: RunStatus): boolean => s === 'finished' || s === 'stopped' || s === 'failed' || s === 'crashed';

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
  /** Where the run stood when it was asked for. */
  askedAtStep?: number;
  /** The run had ended when it was asked for: a question then means its last checkpoint. */
  afterEnd?: true;
  /** The server takes the run back by it (revert.ts). */
  takesBack?: true;
  /** Questions: the position in their queue, as somebody moved it; left out: `at`. */
  position?: number;
  /** It had taken effect; the run has since gone back to a checkpoint before that (revert.ts). */
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

/** The trainer (or whoever answers questions) has not done with it. */
export const isOpen = ({ outcome }: Pick<CommandRecord, 'outcome'>): boolean =>
  outcome.status === 'requested' || outcome.status === 'scheduled';

/** An event of a list, with its seq and time. */
export type WithSeq<E> = E & { seq: number; at: number };

export interface AlertItem {
  step: number | null;
  level: 'info' | 'warning' | 'error';
  kind: string;
  message: string;
  /** false: nobody is called. */
  notify?: boolean | undefined;
}

export interface StatusItem {
  status: RunStatus;
  step: number;
  message: string;
}

/** A sample as lists show it: the beginning of a text, and how many letters it has. The whole is read by `runs.sample`. */
export type MediaItem = WithSeq<Omit<MediaEvent, 'type'>> & { letters?: number };

/** The lists that grow with a run, and what their items are. */
export interface ListItems {
  evaluations: WithSeq<Evaluation>;
  /** The signals are read by `runs.signals`; the layers stand in the blob too. */
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

/** The lists themselves, as far as somebody holds them. */
export type WholeLists = { [K in ListKind]: ListItems[K][] };

export interface RunView {
  runId: string;
  /** Last seq folded in; 0 = none. */
  seq: number;
  attempt: number;
  createdAt: number;
  updatedAt: number;
  createdBy: Actor;
  /** What it was started with; its name as people call it now. */
  setup: RunSetup;
  /** `checkpoint` null: a script forked it, and knows itself what it goes on with. */
  parent: { runId: string; step: number; checkpoint: BlobRef | null } | null;
  /** The run that this one was imported as a copy of. */
  copyOf?: string;
  /** What a branch does otherwise than its parent. */
  branchChange?: string;
  status: RunStatus;
  statusMessage: string;
  /** What the status was before the trainer went away. */
  statusBeforeLoss: RunStatus | null;
  /** When it first ran; null = it has not yet. */
  startedAt: number | null;
  trainer: { id: string; name: string; host: string } | null;
  device: DeviceInfo | null;
  /** The series that rows hold, by stream, with their newest values: bounded (streams.ts). */
  streams: StreamHead[];
  /** Of the whole run, those that `streams` leaves out included. */
  streamCount: number;
  columnCount: number;
  /** What its examples are, in words; null = not said. */
  data: string | null;
  params: { name: string; shape: number[] }[];
  controls: Controls;
  /** By the control's name (own.ts: names are data). */
  values: Table<ControlState>;
  /** 0 = not known. */
  stepsPerEpoch: number;
  /** 0 = not known. */
  totalSteps: number;
  /** How the learning rate follows the steps; null = not declared. */
  schedule: ScheduleSpec | null;
  /** One above the highest step that has a row, or where the run was taken up if that is higher. */
  step: number;
  /** The newest items of every list that grows. */
  recent: { [K in ListKind]: Recent<ListItems[K]> };
  /** Of every such list: items in force, and the seq of the last one that was added (0 = none). */
  counts: { [K in ListKind]: { count: number; lastSeq: number } };
  /** Commands that wait for their trainer, their condition or a second operator, in the order of the log; at most `mostOpenCommands`. */
  openCommands: CommandRecord[];
  /** The newest of each split, in the order of the log; of the `mostSplits` newest splits. */
  latestEvaluations: WithSeq<Evaluation>[];
  /** The best by the main metric, of those in force; null = none has it. */
  best: WithSeq<Evaluation> | null;
  /** The best row of the series that is declared as the main metric; null = there is none. */
  bestRow: BestRow | null;
  /** The newest checkpoint in force. */
  lastCheckpoint: CheckpointRef | null;
  /** The checkpoint that the next trainer is to go back to, and the command that asked for it. */
  pendingRevert: { commandId: string; checkpoint: CheckpointRef } | null;
  /** Takeovers in a row from the same step, with no revert in between. */
  takeovers: { fromStep: number; count: number };
  /** Threads of notes that are not resolved. */
  openThreads: number;
  /** Who alone may steer, and until when; null = nobody in particular. */
  controlLock: { holder: Actor; until: number | null; askedBy: Actor[] } | null;
  tags: string[];
  archived: boolean;
  trashed: boolean;
  /** Its position in the queue of those that wait for a trainer, as somebody moved it; left out: `createdAt`. */
  queuePosition?: number;
  /** Events of the present attempt that were set aside, as last told. */
  setAside: number;
  /** The newest thing that the process printed (all of it is read by `runs.console`); null = nothing. */
  console: { lastSeq: number } | null;
  /** Where the program was when the run failed. */
  traceback: string | null;
  /** Hash of the key by which a script opens it; null = it is no script's. */
  openKey: string | null;
  /** The process that had it has let go of it: nobody is awaited. */
  released: boolean;
}

/** A run that trains by itself: a script's own (or a copy of one), which no waiting trainer takes. */
export const isOpened = ({ setup }: Pick<RunView, 'setup'>): boolean => setup.recipe === null;

/** A view with items of its lists beside it. */
export type WithLists = RunView & WholeLists;

/** Commands that may wait at once; more are refused as `busy`. */
export const mostOpenCommands = 100;
export const mostSplits = 32;

/** Lowest first among the runs that wait for a trainer. */
export const positionInQueue = (view: Pick<RunView, 'queuePosition' | 'createdAt'>): number =>
  view.queuePosition ?? view.createdAt;
