import { z } from 'zod';
import { command, loggedCommand, refusalReason } from './commands';
import { controls, controlValue } from './controls';
import { actor, attempt, blobHash, blobRef, commandId, runId, seq, step } from './ids';
import { consoleEvent, media } from './media';
import { noteEvent } from './notes';
import { config, runSetup } from './setup';
import { layerShapes, signalRole } from './snapshotFile';

/**
 * Everything that can happen to a run: the entries of its log. Numbers may be NaN or infinite (pack.ts and json.ts carry them).
 * "At step s" means: after s updates, before update s; a value that takes effect at step s is used by update s.
 */

/** Any double, NaN and infinities included: z.number() refuses those, and losses do become them. */
export const metric = z.custom<number>((v) => typeof v === 'number', 'a number is needed');

export const split = z.enum(['train', 'validation', 'test']);
export type Split = z.infer<typeof split>;

/** Why something was recorded. */
export const trigger = z.enum(['start', 'cadence', 'epoch', 'command', 'best', 'end', 'alert', 'shutdown']);
export type Trigger = z.infer<typeof trigger>;

/** One column of the step rows. `group` orders and folds charts: "loss", "gradient norm per parameter", ... */
export const series = z.strictObject({
  name: z.string().min(1).max(128),
  unit: z.string().max(32),
  group: z.string().max(64),
  /** Its value for a model that answers without looking at its input; left out: there is no such level. */
  chance: z.number().optional(),
});
export type Series = z.infer<typeof series>;

export const backendInfo = z.strictObject({
  name: z.string().min(1).max(64),
  device: z.string(),
  /** What `auto` tried before and why it was passed over. */
  tried: z.array(z.strictObject({ backend: z.string(), reason: z.string() })),
});
export type BackendInfo = z.infer<typeof backendInfo>;

// ---- from the trainer ----

/** What the run is: first in every attempt, and again when people change its length, so `totalSteps` is as of the last one. */
export const runStarted = z.strictObject({
  type: z.literal('run.started'),
  step,
  backend: backendInfo,
  /** Columns of every `steps` event of this run, in order; the same for each attempt. */
  series: z.array(series).min(1).max(4096),
  controls,
  /** Current value of every declared control. */
  values: z.record(z.string(), controlValue),
  params: z.array(z.strictObject({ name: z.string(), shape: z.array(z.int().positive()) })),
  stepsPerEpoch: z.int().positive(),
  totalSteps: z.int().positive(),
  /** Loss of a model that knows nothing; left out: not known. */
  chanceLoss: z.number().positive().optional(),
  /** What the examples are, in words that stand wherever they show: "built-in demo pictures", a file's name. Left out: numbers that need no word. */
  data: z.string().max(200).optional(),
});

/** Rows of `count` consecutive steps: values is [count, series.length] row-major. Takes `count` places in the log. */
export const steps = z.strictObject({
  type: z.literal('steps'),
  firstStep: step,
  count: z.int().positive().max(65_536),
  values: z.instanceof(Float64Array),
});
export type Steps = z.infer<typeof steps>;

export const evaluation = z.strictObject({
  type: z.literal('evaluation'),
  step,
  split,
  loss: metric,
  accuracy: metric,
  examples: z.int().positive(),
  elapsedMs: z.number().nonnegative(),
  trigger,
  commandId: commandId.nullable(),
  /** Step of the parameters used: `step`, except for the final test, which uses the best checkpoint. */
  parametersStep: step,
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
        /** What rules know it by, whatever its name: normalised entropy, 0 to 1. */
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
  blob: blobRef,
  trigger,
  commandId: commandId.nullable(),
  /** Commands up to this seq are part of the state saved. */
  lastCommandSeq: z.int().nonnegative(),
  validationAccuracy: metric.nullable(),
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
  summary: z.record(z.string().max(128), metric),
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

export const trainerEvent = z.discriminatedUnion('type', [
  runStarted,
  steps,
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
export const runLabelled = z.strictObject({
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
  runLabelled,
  runQueued,
  commandQueued,
  snapshotsThinned,
  alert,
]);
export type ServerEvent = z.infer<typeof serverEvent>;

export type RunEvent = TrainerEvent | ServerEvent;

/** One log entry. A `steps` entry fills the places seq .. seq+count-1, every other one place. */
export interface Entry<E extends RunEvent = RunEvent> {
  seq: number;
  attempt: number;
  /** Server clock, ms since 1970, when it was committed. */
  at: number;
  event: E;
}

/** How many places of the log an event takes. */
export const seqCount = (event: RunEvent): number => (event.type === 'steps' ? event.count : 1);
