import { z } from 'zod';
import { command, loggedCommand, refusalReason } from './commands';
import { controls, controlValue } from './controls';
import { actor, attempt, blobHash, blobRef, commandId, runId, seq, step } from './ids';
import { consoleEvent, media } from './media';
import { noteEvent } from './notes';
import { table } from './ownTable';
import { scheduleSpec } from './schedule';
import { better, rowCount, rowStep, rows, seriesDeclared, streamSpec } from './series';
import { config, runSetup, tag } from './setup';
import { layerShapes, signalRole } from './snapshotFile';

/**
 * Everything that can happen to a run: the entries of its log. Numbers may be NaN or infinite (pack.ts and json.ts carry them).
 * "At step s" means: after s updates, before update s; a value that takes effect at step s is used by update s.
 */

/** Any double, NaN and infinities included: z.number() refuses those, and losses do become them. */
export const metric = z.custom<number>((v) => typeof v === 'number', 'a number is needed');

/** What an evaluation was made on: "validation", "test", "wikitext/long", ... */
export const split = z.string().min(1).max(64);
export type Split = z.infer<typeof split>;

/** Why something was recorded. */
export const trigger = z.enum(['start', 'cadence', 'epoch', 'command', 'best', 'end', 'alert', 'shutdown']);
export type Trigger = z.infer<typeof trigger>;

/** What trains the run. */
export const deviceInfo = z.strictObject({
  /** Of the built-in trainer: which of its backends. */
  backend: z.string().min(1).max(64).optional(),
  device: z.string().max(300),
  software: z.string().max(300).optional(),
  /** What `auto` tried before and why it was passed over. */
  tried: z.array(z.strictObject({ backend: z.string().max(64), reason: z.string().max(2000) })).optional(),
});
export type DeviceInfo = z.infer<typeof deviceInfo>;

// ---- from the trainer ----

/** What the run is: first in every attempt, and again when something of it changes (the last one holds). */
export const started = z.strictObject({
  type: z.literal('started'),
  step,
  device: deviceInfo,
  /** What the examples are, in words that stand wherever they show: "built-in demo pictures", a file's name. Left out: numbers that need no word. */
  data: z.string().max(200).optional(),
  /** Streams declared at once, as by `series` events. */
  streams: z.array(streamSpec).max(256).optional(),
  controls,
  /** Current value of every declared control. */
  values: table(controlValue),
  params: z.array(z.strictObject({ name: z.string(), shape: z.array(z.int().positive()) })).optional(),
  /** Where they are known. */
  lengths: z
    .strictObject({ stepsPerEpoch: z.number().positive().finite().optional(), totalSteps: z.int().positive().optional() })
    .optional(),
  /** How the learning rate follows the steps, where it is one of these (schedule.ts). */
  schedule: scheduleSpec.optional(),
});
export type Started = z.infer<typeof started>;

export const evaluationMetric = z.strictObject({
  name: z.string().min(1).max(256),
  value: metric,
  role: z.enum(['loss', 'accuracy']).optional(),
  better: better.optional(),
  /** The number that says how good the run is: early stopping and the best checkpoint go by it. */
  main: z.boolean().optional(),
});
export type EvaluationMetric = z.infer<typeof evaluationMetric>;

export const evaluation = z.strictObject({
  type: z.literal('evaluation'),
  step,
  split,
  metrics: z
    .array(evaluationMetric)
    .min(1)
    .max(256)
    .refine((metrics) => new Set(metrics.map((m) => m.name)).size === metrics.length, 'two metrics have one name'),
  examples: z.int().positive().optional(),
  elapsedMs: z.number().nonnegative().optional(),
  trigger,
  commandId: commandId.nullable(),
  /** Step of the parameters used; left out: `step`. The final test may use the best checkpoint. */
  parametersStep: step.optional(),
});
export type Evaluation = z.infer<typeof evaluation>;
/** With its seq and time. */
const evaluationItem = evaluation.extend({ seq, at: z.number() });

/** Attention and predictions of the probe examples: the maps are in the blob (snapshotFile.ts), the signals also here for ribbons over time. */
export const snapshot = z.strictObject({
  type: z.literal('snapshot'),
  step,
  blob: blobRef,
  /** What the examples' pictures are kept in, once for all snapshots that show the same; left out: there are none, or they are in `blob`. */
  pictures: blobRef.optional(),
  trigger,
  commandId: commandId.nullable(),
  /** Each layer has its own heads and size of maps; they may be others at the next snapshot. */
  layers: layerShapes,
  examples: z.int().positive(),
  /** Mean over the examples from exact maps: one value per head, layer after layer. What they mean is declared in the blob. */
  signals: z
    .array(
      z.strictObject({
        name: z.string().min(1).max(128),
        /** What rules know it by, whatever its name: normalized entropy, 0 to 1. */
        role: signalRole.optional(),
        values: z.array(metric),
      }),
    )
    .max(256),
});
export type SnapshotEvent = z.infer<typeof snapshot>;

export const checkpoint = z.strictObject({
  type: z.literal('checkpoint'),
  step,
  /** Its bytes; of one that is kept elsewhere (`reference`) the text of the reference, as the server fills in. */
  blob: blobRef,
  /** A path or address that only the run's own script can read. */
  reference: z.string().min(1).max(2000).optional(),
  trigger,
  commandId: commandId.nullable(),
  /** Commands up to this seq are part of the state saved. */
  lastCommandSeq: z.int().nonnegative(),
  /** The main metric of an evaluation of these very parameters; left out: there was none. */
  main: z.strictObject({ split, metric: evaluationMetric }).optional(),
});
export type CheckpointEvent = z.infer<typeof checkpoint>;

/** What is needed of a checkpoint to go back to it. */
export const checkpointRef = z.strictObject({ seq, step, blob: blobRef, lastCommandSeq: z.int().nonnegative() });
export type CheckpointRef = z.infer<typeof checkpointRef>;

/** The command took effect: update `step` is the first to run with `after`. For actions before/after describe state, or are null. */
export const commandApplied = z.strictObject({
  type: z.literal('command.applied'),
  commandId,
  seq,
  step,
  before: controlValue,
  after: controlValue,
  message: z.string().max(500),
  /** Filled in by the server when the command had been answered before (a takeover applies it again): what was asked. */
  asked: loggedCommand.optional(),
  /** Filled in by the server when the command takes the run back: the checkpoint that it goes back to. */
  reverted: checkpointRef.optional(),
});

export const commandRefused = z.strictObject({
  type: z.literal('command.refused'),
  commandId,
  seq,
  step: step.nullable(),
  reason: refusalReason,
  message: z.string().max(500),
  /** As in `command.applied`. */
  asked: loggedCommand.optional(),
});

/** The command is held until its condition is met; `command.applied` or `command.refused` follows then. */
export const commandScheduled = z.strictObject({
  type: z.literal('command.scheduled'),
  commandId,
  seq,
  step,
  message: z.string().max(500),
});

/** The answer to a question about the parameters at `step` (permutation check, heads switched off): numbers here, maps in the blob. */
export const analysis = z.strictObject({
  type: z.literal('analysis'),
  step,
  kind: z.string().max(64),
  commandId: commandId.nullable(),
  summary: table(metric, z.string().max(128)),
  message: z.string().max(500),
  blob: blobRef.nullable(),
  /** Asked of this checkpoint (of `step`); left out: of the run as it went on. */
  checkpoint: blobHash.optional(),
  /** The seq of that checkpoint: the answer stays in force as long as it does. */
  checkpointSeq: seq.optional(),
});
export type Analysis = z.infer<typeof analysis>;

export const status = z.strictObject({
  type: z.literal('status'),
  /** `crashed` is said by the server alone: nothing was heard of the process that owns the run. It goes on when that process, or a new one, is back. */
  status: z.enum(['running', 'paused', 'finished', 'stopped', 'failed', 'crashed']),
  step,
  message: z.string().max(2000),
  /** Of a run that failed: where its program was. */
  traceback: z
    .string()
    .max(16 * 1024)
    .optional(),
});

export const alert = z.strictObject({
  type: z.literal('alert'),
  step,
  level: z.enum(['info', 'warning', 'error']),
  kind: z.string().max(64),
  message: z.string().max(2000),
  /** false: for the record only, nobody is called (a watchdog's rule without `notify`). */
  notify: z.boolean().optional(),
  /** How many there were of its kind in this attempt, where not each is told (events that were set aside). */
  count: z.int().positive().optional(),
});

/** What follows replaces the rows at and after `step` in every stream, and what else belongs to those steps. Nothing is overwritten: the log keeps what was. */
export const rewind = z.strictObject({
  type: z.literal('rewind'),
  step: rowStep,
  /** Filled in by the server: what is in force then. */
  resumed: z.lazy(() => resumed).optional(),
});

/** What a script says of its run after it has opened it. `config`: settings that are new or have changed, by name; the others stay. */
export const described = z.strictObject({
  type: z.literal('setup'),
  name: z.string().trim().min(1).max(80).optional(),
  notes: z.string().max(4000).optional(),
  tags: z.array(tag).max(50).optional(),
  config: config.optional(),
});

export const trainerEvent = z.discriminatedUnion('type', [
  started,
  described,
  seriesDeclared,
  rows,
  rewind,
  evaluation,
  snapshot,
  checkpoint,
  commandApplied,
  commandRefused,
  commandScheduled,
  analysis,
  status,
  alert,
  media,
  consoleEvent,
]);
export type TrainerEvent = z.infer<typeof trainerEvent>;

// ---- from the server ----

export const runCreated = z.strictObject({
  type: z.literal('run.created'),
  setup: runSetup,
  actor,
  /** Where a branch leaves its parent. */
  parent: z.strictObject({ runId, step, checkpoint: blobRef.nullable() }).nullable(),
  /** What a branch does otherwise than its parent, in words; left out: nothing. */
  change: z.string().max(300).optional(),
  /** The run that this one was imported as a copy of. */
  copyOf: runId.optional(),
  /** Hash of the key by which its script opens it again. */
  openKey: z.string().optional(),
});

/**
 * What is in force once the run has gone back, as far as a view shows it. A view holds only the newest items of the lists that grow with a run (lists.ts), so the
 * server looks it up and writes it down.
 */
export const resumed = z.strictObject({
  /** Items in force of each list whose items belong to a step. */
  counts: z.record(z.string(), z.int().nonnegative()),
  /** The newest of each split. */
  evaluations: z.array(evaluationItem),
  best: evaluationItem.nullable(),
  /** Of the series that is the main metric; left out: what the view holds of it, as far as it is in force. */
  bestRow: z.strictObject({ name: z.string(), step: rowStep, value: z.number() }).nullable().optional(),
  /** Controls that were changed since: who had changed them last before; null = nobody. */
  values: z.array(
    z.strictObject({
      control: z.string(),
      state: z.strictObject({ value: controlValue, changedBy: actor.nullable(), changedAtStep: step }).nullable(),
    }),
  ),
  /** Commands that were answered since and wait for their condition again. */
  waiting: z.array(
    z.strictObject({
      ...loggedCommand.shape,
      at: z.number(),
      askedAtStep: step.optional(),
      afterEnd: z.literal(true).optional(),
      position: z.number().optional(),
      undone: z.literal(true).optional(),
      takesBack: z.literal(true).optional(),
    }),
  ),
});
export type Resumed = z.infer<typeof resumed>;

/** A trainer takes the run over from `fromStep`; rows at and after it from earlier attempts are superseded (kept, but no longer the run). */
export const runAssigned = z.strictObject({
  type: z.literal('run.assigned'),
  attempt,
  trainer: z.strictObject({ id: z.string(), name: z.string(), host: z.string() }),
  fromStep: step,
  checkpoint: blobRef.nullable(),
  /** Items of step `fromStep` up to this seq stay in force: the seq of the checkpoint; 0 = none of them. Left out by logs of version 0.1. */
  keepSeq: z.int().nonnegative().optional(),
  /** Left out by logs of version 0.1. */
  resumed: resumed.optional(),
  /** A script opened its run again with another config: the one that holds from now on. */
  config: config.optional(),
});

/** `released`: the process let go of the run, so that nobody is awaited. */
export const trainerLost = z.strictObject({
  type: z.literal('trainer.lost'),
  message: z.string(),
  released: z.literal(true).optional(),
});
export const trainerBack = z.strictObject({ type: z.literal('trainer.back') });

export const commandRequested = z.strictObject({ type: z.literal('command.requested'), actor, command });

/** Who alone may steer for now; null = everybody who may steer at all. Only the holder, an admin, or time ends it. */
export const controlLocked = z.strictObject({
  type: z.literal('control.locked'),
  actor,
  holder: actor.nullable(),
  until: z.number().nullable(),
});

/** Somebody without the control lock asks its holder for it. */
export const controlRequested = z.strictObject({ type: z.literal('control.requested'), actor });

/** A command that needs a second operator; `command.requested` follows when one approves. */
export const commandProposed = z.strictObject({ type: z.literal('command.proposed'), actor, command });
export const proposalAnswered = z.strictObject({
  type: z.literal('proposal.answered'),
  actor,
  commandId,
  approved: z.boolean(),
});

/** Somebody moved the run in the queue: its position among those that wait for a trainer, ms since 1970 like its time of creation, lowest first. */
export const runQueued = z.strictObject({ type: z.literal('run.queued'), actor, position: z.number().finite() });

/** Somebody moved a question in the queue of those that wait (protocol.ts, `question`): its position, like `run.queued`. */
export const commandQueued = z.strictObject({
  type: z.literal('command.queued'),
  actor,
  commandId,
  position: z.number().finite(),
});

/** Name, tags, archived, deleted: what people make of a run, beside its config. */
export const runLabeled = z.strictObject({
  type: z.literal('run.labelled'),
  actor,
  name: z.string().trim().min(1).max(80).optional(),
  tags: z.array(z.string().trim().min(1).max(40)).max(50).optional(),
  archived: z.boolean().optional(),
  /** Deleted, with a way back. */
  trashed: z.boolean().optional(),
});

/**
 * Maps of snapshots were taken away so that the run's snapshots fit their quota (server/retention/thin.ts says which go first); their signals stay.
 * `message` says it in words.
 */
export const snapshotsThinned = z.strictObject({
  type: z.literal('snapshots.thinned'),
  quotaBytes: z.int().positive(),
  /** Seqs of the snapshots. */
  seqs: z.array(seq).min(1),
  message: z.string().max(500),
});

export const serverEvent = z.discriminatedUnion('type', [
  runCreated,
  runAssigned,
  trainerLost,
  trainerBack,
  commandRequested,
  commandProposed,
  proposalAnswered,
  commandRefused,
  controlLocked,
  controlRequested,
  noteEvent,
  runLabeled,
  runQueued,
  commandQueued,
  snapshotsThinned,
  alert,
]);
export type ServerEvent = z.infer<typeof serverEvent>;

export type RunEvent = TrainerEvent | ServerEvent;

/** One log entry. A `rows` entry of n rows fills the places seq .. seq+n-1, every other one place. */
export interface Entry<E extends RunEvent = RunEvent> {
  seq: number;
  attempt: number;
  /** Server clock, ms since 1970, when it was committed. */
  at: number;
  event: E;
}

/** How many places of the log an event takes. */
export const seqCount = (event: RunEvent): number => (event.type === 'rows' ? rowCount(event) : 1);
