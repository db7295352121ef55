import { type ActivityEntry, activityEvent } from './activity';
import { openQuestions } from './analyses';
import type { Command, RefusalReason } from './commands';
import { describePictures, type RunConfig } from './config';
import type { Controls, ControlValue } from './controls';
import {
  type Analysis,
  type CheckpointEvent,
  type DeviceInfo,
  type Entry,
  type Evaluation,
  type RunEvent,
  type SnapshotEvent,
  seqCount,
} from './events';
import type { Actor, BlobRef } from './ids';
import { foldNotes, type Note } from './notes';
import { metricWithRole } from './evaluations';
import { own, put, type Table } from './own';
import { pendingRevert, revertCommands } from './revert';
import { lastStepOf, type StreamSpec } from './series';
import { latestWithRole, rewound, type StreamHead, type Streams, withRows, withStream } from './streams';
import { unreachable } from './unreachable';

/**
 * What everybody sees of a run at a seq of its log: view = fold(view, entry), the same pure function on the server and in the browser.
 * Step rows themselves are not kept here (they are read by range, pyramid.ts); the newest row is.
 */

export type RunStatus =
  | 'queued' // no trainer has taken it yet
  | 'starting' // assigned, not yet training
  | 'running'
  | 'paused'
  | 'waiting' // its trainer is away; it goes on when one is back
  | 'finished'
  | 'stopped'
  | 'failed';

export const ended = (s: RunStatus): boolean => s === 'finished' || s === 'stopped' || s === 'failed';

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
  /** Where the run stood when it was asked for; left out by views that were saved before it was kept. */
  askedAtStep?: number;
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

/** An event of the list `kind`, with its seq and time. */
export type WithSeq<E> = E & { seq: number; at: number };

export interface RunView {
  runId: string;
  /** Last seq folded in; 0 = none. */
  seq: number;
  attempt: number;
  createdAt: number;
  updatedAt: number;
  createdBy: Actor;
  config: RunConfig;
  parent: { runId: string; step: number; checkpoint: BlobRef } | null;
  /** The run that this one was imported as a copy of. */
  copyOf?: string;
  /** What a branch does otherwise than its parent. */
  branchChange?: string;
  status: RunStatus;
  statusMessage: string;
  /** What the status was before the trainer went away. */
  statusBeforeLoss: RunStatus | null;
  trainer: { id: string; name: string; host: string } | null;
  device: DeviceInfo | null;
  /** The series that rows hold, by stream, with their newest values: bounded (streams.ts). */
  streams: StreamHead[];
  /** Of the whole run, those that `streams` leaves out included. */
  streamCount: number;
  columnCount: number;
  params: { name: string; shape: number[] }[];
  controls: Controls;
  /** By the control's name (own.ts: names are data). */
  values: Table<ControlState>;
  /** 0 = not known. */
  stepsPerEpoch: number;
  /** 0 = not known. */
  totalSteps: number;
  /** One above the highest step that has a row, or where the run was taken up if that is higher. */
  step: number;
  /** Entries whose steps a later attempt superseded are taken out of these lists. */
  evaluations: WithSeq<Evaluation>[];
  snapshots: WithSeq<Omit<SnapshotEvent, 'signals'>>[];
  checkpoints: WithSeq<CheckpointEvent>[];
  alerts: WithSeq<{
    step: number | null;
    level: 'info' | 'warning' | 'error';
    kind: string;
    message: string;
    /** false: nobody is called. */
    notify?: boolean | undefined;
  }>[];
  statuses: WithSeq<{ status: RunStatus; step: number; message: string }>[];
  commands: CommandRecord[];
  analyses: WithSeq<Analysis>[];
  notes: Note[];
  /** Left out by views that were saved before they were kept. */
  activity?: ActivityEntry[];
  /** Who alone may steer, and until when; null = nobody in particular. */
  controlLock: { holder: Actor; until: number | null; askedBy: Actor[] } | null;
  tags: string[];
  archived: boolean;
  trashed: boolean;
  /** Its position in the queue of those that wait for a trainer, as somebody moved it; left out: `createdAt`. */
  queuePosition?: number;
}

export function emptyView(runId: string, created: Entry): RunView {
  if (created.event.type !== 'run.created' || created.seq !== 1)
    throw new Error(`run ${runId}: its log must begin with run.created at 1, got ${created.event.type} at ${created.seq}`);
  const { config, actor, parent, copyOf, change } = created.event;
  return {
    runId,
    seq: 1,
    attempt: 0,
    createdAt: created.at,
    updatedAt: created.at,
    createdBy: actor,
    config,
    parent,
    ...(copyOf !== undefined && { copyOf }),
    ...(change !== undefined && { branchChange: change }),
    status: 'queued',
    statusMessage: '',
    statusBeforeLoss: null,
    trainer: null,
    device: null,
    streams: [],
    streamCount: 0,
    columnCount: 0,
    params: [],
    controls: { values: [], actions: [] },
    values: {},
    stepsPerEpoch: 0,
    totalSteps: 0,
    step: parent?.step ?? 0,
    evaluations: [],
    snapshots: [],
    checkpoints: [],
    alerts: [],
    statuses: [],
    commands: [],
    analyses: [],
    notes: [],
    controlLock: null,
    tags: [],
    archived: false,
    trashed: false,
  };
}

/** @throws Error when the entry does not follow the view: a gap or a repeat is a broken invariant, never skipped in silence. */
export function fold(view: RunView, entry: Entry): RunView {
  if (entry.seq !== view.seq + 1) throw new Error(`run ${view.runId}: expected seq ${view.seq + 1}, got ${entry.seq}`);
  const { seq, at } = entry;
  const activity = activityEvent(entry.event);
  return {
    ...view,
    ...change(view, entry.event, entry),
    ...(activity && { activity: [...(view.activity ?? []), { seq, at, step: view.step, event: activity }] }),
    seq: view.seq + seqCount(entry.event),
    updatedAt: at,
  };
}

export function foldAll(runId: string, entries: Iterable<Entry>): RunView {
  let view: RunView | null = null;
  for (const e of entries) view = view ? fold(view, e) : emptyView(runId, e);
  if (!view) throw new Error(`run ${runId}: an empty log has no view`);
  return view;
}

function change(view: RunView, event: RunEvent, { seq, at }: Entry): Partial<RunView> {
  const withSeq = <E>(e: E): WithSeq<E> => ({ ...e, seq, at });
  const withStatus = (status: RunStatus, step: number, message: string): Partial<RunView> => ({
    status,
    statusMessage: message,
    statusBeforeLoss: null,
    statuses: [...view.statuses, withSeq({ status, step, message })],
  });
  switch (event.type) {
    case 'run.created':
      throw new Error(`run ${view.runId}: created twice, at 1 and ${seq}`);
    case 'run.assigned': {
      // A checkpoint is the last entry of its step's boundary: what stands before it in the log is part of what the new attempt resumes.
      const resumed =
        event.checkpoint && view.checkpoints.findLast((c) => c.blob.hash === event.checkpoint?.hash && c.step === event.fromStep);
      const revert = pendingRevert(view);
      const kept = <E extends { step: number; seq: number }>(e: E) =>
        e.step < event.fromStep || (!!resumed && e.step === event.fromStep && e.seq <= resumed.seq);
      return {
        ...withStatus('starting', event.fromStep, `${event.trainer.name} takes over from step ${event.fromStep}`),
        attempt: event.attempt,
        trainer: event.trainer,
        step: event.fromStep,
        streams: rewound(view.streams, event.fromStep),
        evaluations: view.evaluations.filter(kept),
        snapshots: view.snapshots.filter(kept),
        checkpoints: view.checkpoints.filter(kept),
        analyses: view.analyses.filter((a) =>
          a.checkpoint ? view.checkpoints.some((c) => c.blob.hash === a.checkpoint && kept(c)) : kept(a),
        ),
        commands: revert ? revertCommands(view.commands, revert) : view.commands,
      };
    }
    case 'started': {
      const values: Table<ControlState> = {};
      for (const [name, value] of Object.entries(event.values)) {
        const known = own(view.values, name);
        const { changedBy, step } = lastChange(view.commands, name, value, event.step);
        const stands = !changedBy && known && !known.changedBy && Object.is(known.value, value);
        put(values, name, { value, changedBy, changedAtStep: stands ? known.changedAtStep : step });
      }
      return {
        ...declared(view, event.streams ?? []),
        device: event.device,
        params: event.params ?? [],
        controls: event.controls,
        values,
        stepsPerEpoch: event.lengths?.stepsPerEpoch ?? 0,
        totalSteps: event.lengths?.totalSteps ?? 0,
      };
    }
    case 'series':
      return declared(view, [event]);
    case 'rows':
      return { step: Math.max(view.step, lastStepOf(event) + 1), streams: withRows(view.streams, event, at) };
    case 'rewind': {
      const kept = (e: { step: number }) => e.step < event.step;
      return {
        step: Math.min(view.step, event.step),
        streams: rewound(view.streams, event.step),
        evaluations: view.evaluations.filter(kept),
        snapshots: view.snapshots.filter(kept),
        checkpoints: view.checkpoints.filter(kept),
        analyses: view.analyses.filter((a) =>
          a.checkpoint ? view.checkpoints.some((c) => c.blob.hash === a.checkpoint && kept(c)) : kept(a),
        ),
      };
    }
    case 'evaluation':
      return { evaluations: [...view.evaluations, withSeq(event)] };
    case 'snapshot': {
      const { signals: _signals, ...rest } = event;
      return { snapshots: [...view.snapshots, withSeq(rest)] };
    }
    case 'checkpoint':
      return { checkpoints: [...view.checkpoints, withSeq(event)] };
    case 'alert':
      return { alerts: [...view.alerts, withSeq(event)] };
    case 'status':
      // Nobody steers a run that has ended.
      return { ...withStatus(event.status, event.step, event.message), ...(ended(event.status) && { controlLock: null }) };
    case 'trainer.lost':
      // One that has ended waits for a trainer again when people took it back to a checkpoint.
      if (ended(view.status)) return pendingRevert(view) ? withStatus('waiting', view.step, event.message) : {};
      return view.status === 'waiting'
        ? {}
        : { ...withStatus('waiting', view.step, event.message), statusBeforeLoss: view.status };
    case 'trainer.back':
      return view.status === 'waiting' ? withStatus(view.statusBeforeLoss ?? 'running', view.step, 'trainer is back') : {};
    case 'analysis':
      return { analyses: [...view.analyses, withSeq(event)] };
    case 'command.proposed':
      return {
        commands: [...view.commands, { seq, at, ...pick(event), askedAtStep: view.step, outcome: { status: 'proposed' } }],
      };
    case 'proposal.answered': {
      if (event.approved) return {};
      const message = `${event.actor.name} declined it`;
      const outcome = { status: 'refused' as const, seq, at, step: view.step, reason: 'forbidden' as const, message };
      return { commands: view.commands.map((c) => (c.command.id === event.commandId ? { ...c, outcome } : c)) };
    }
    case 'command.requested': {
      const asked: CommandRecord = { seq, at, ...pick(event), askedAtStep: view.step, outcome: { status: 'requested' } };
      // An approved proposal moves on; it is still one command.
      return { commands: [...view.commands.filter((c) => c.command.id !== event.command.id), asked] };
    }
    case 'command.scheduled': {
      const outcome = { status: 'scheduled' as const, message: event.message };
      return { commands: view.commands.map((c) => (c.command.id === event.commandId ? { ...c, outcome } : c)) };
    }
    case 'command.applied': {
      const { step, before, after, message } = event;
      const asked = view.commands.find((c) => c.command.id === event.commandId);
      const commands = view.commands.map((c) =>
        c === asked ? { ...c, outcome: { status: 'applied' as const, seq, at, step, before, after, message } } : c,
      );
      if (asked?.command.kind !== 'set') return { commands };
      return {
        commands,
        values: { ...view.values, [asked.command.control]: { value: after, changedBy: asked.actor, changedAtStep: step } },
      };
    }
    case 'command.refused': {
      const { step, reason, message } = event;
      return {
        commands: view.commands.map((c) =>
          c.command.id === event.commandId
            ? { ...c, outcome: { status: 'refused' as const, seq, at, step, reason, message } }
            : c,
        ),
      };
    }
    case 'note':
      return { notes: foldNotes(view.notes, event, at) };
    case 'control.locked':
      return { controlLock: event.holder && { holder: event.holder, until: event.until, askedBy: [] } };
    case 'control.requested':
      return view.controlLock
        ? { controlLock: { ...view.controlLock, askedBy: [...view.controlLock.askedBy, event.actor] } }
        : {};
    case 'snapshots.thinned': {
      const gone = new Set(event.seqs);
      return { snapshots: view.snapshots.filter((s) => !gone.has(s.seq)) };
    }
    case 'command.queued':
      return { commands: view.commands.map((c) => (c.command.id === event.commandId ? { ...c, position: event.position } : c)) };
    case 'run.queued':
      return { queuePosition: event.position };
    case 'run.labelled':
      return {
        config: event.name === undefined ? view.config : { ...view.config, name: event.name },
        tags: event.tags ?? view.tags,
        archived: event.archived ?? view.archived,
        trashed: event.trashed ?? view.trashed,
      };
    default:
      return unreachable(event);
  }
}

/** With the streams that the view does not know yet. */
function declared(view: RunView, specs: readonly StreamSpec[]): Streams {
  let { streams, streamCount, columnCount }: Streams = view;
  for (const { stream, columns } of specs)
    if (!streams.some((s) => s.name === stream))
      ({ streams, streamCount, columnCount } = withStream({ streams, streamCount, columnCount }, stream, columns));
  return { streams, streamCount, columnCount };
}

/** Who gave a control the value that it has when a trainer takes the run over, and when: what was undone since is no change. */
function lastChange(
  commands: readonly CommandRecord[],
  control: string,
  value: ControlValue,
  step: number,
): { changedBy: Actor | null; step: number } {
  let last: { changedBy: Actor; step: number; seq: number } | null = null;
  for (const { command, outcome, undone, actor } of commands) {
    if (undone || command.kind !== 'set' || command.control !== control || outcome.status !== 'applied') continue;
    if (outcome.step > step || !Object.is(outcome.after, value) || (last && last.seq > outcome.seq)) continue;
    last = { changedBy: actor, step: outcome.step, seq: outcome.seq };
  }
  return last ?? { changedBy: null, step };
}

const pick = ({ actor, command }: { actor: Actor; command: Command }) => ({ actor, command });

/** Lowest first among the runs that wait for a trainer. */
export const positionInQueue = (view: Pick<RunView, 'queuePosition' | 'createdAt'>): number =>
  view.queuePosition ?? view.createdAt;

/** The line of the run list. */
export interface RunSummary {
  runId: string;
  name: string;
  task: RunConfig['task']['kind'];
  /** What its pictures are; null when it has none. */
  pictures?: string | null;
  status: RunStatus;
  step: number;
  totalSteps: number;
  loss: number | null;
  accuracy: number | null;
  validationAccuracy: number | null;
  testAccuracy: number | null;
  createdAt: number;
  updatedAt: number;
  createdBy: Actor;
  backend: string | null;
  parent: RunView['parent'];
  copyOf?: string;
  branchChange?: string;
  /** Threads that are not resolved, and what was written last in any. */
  notes?: { open: number; newest: string | null };
  /** It is no more: the last that is heard of it. */
  gone?: true;
  tags: string[];
  archived: boolean;
  trashed: boolean;
  /** Lowest first among the runs that wait for a trainer. */
  queuePosition?: number;
  /** Questions about its checkpoints that are not answered yet; left out = 0. */
  questions?: number;
  watchers: number;
}

export function summarize(view: RunView, watchers: number): RunSummary {
  const questions = openQuestions(view).length;
  const lastOf = (split: string) => {
    const last = view.evaluations.findLast((e) => e.split === split);
    return (last && metricWithRole(last, 'accuracy')?.value) ?? null;
  };
  return {
    runId: view.runId,
    name: view.config.name,
    task: view.config.task.kind,
    pictures: describePictures(view.config.task),
    status: view.status,
    step: view.step,
    totalSteps: view.totalSteps,
    loss: latestWithRole(view, 'loss'),
    accuracy: latestWithRole(view, 'accuracy'),
    validationAccuracy: lastOf('validation'),
    testAccuracy: lastOf('test'),
    createdAt: view.createdAt,
    updatedAt: view.updatedAt,
    createdBy: view.createdBy,
    backend: view.device?.backend ?? view.device?.device ?? null,
    parent: view.parent,
    ...(view.copyOf !== undefined && { copyOf: view.copyOf }),
    ...(view.branchChange !== undefined && { branchChange: view.branchChange }),
    ...(view.notes.length > 0 && { notes: notesInShort(view.notes) }),
    tags: view.tags,
    archived: view.archived,
    trashed: view.trashed,
    queuePosition: positionInQueue(view),
    ...(questions > 0 && { questions }),
    watchers,
  };
}

/** Letters of the newest note that a list needs. */
const NOTE_LETTERS = 200;

function notesInShort(notes: readonly Note[]): { open: number; newest: string | null } {
  const newest = notes.reduce<Note | null>((last, n) => (last === null || n.at >= last.at ? n : last), null);
  return {
    open: notes.filter((n) => n.replyTo === null && !n.resolved).length,
    newest: newest?.text.slice(0, NOTE_LETTERS) ?? null,
  };
}
