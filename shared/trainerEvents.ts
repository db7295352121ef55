import { z } from 'zod';
import { loggedCommand, refusalReason } from './commands';
import { controls, controlValue } from './controls';
import { actor, blobHash, blobRef, chosenName, commandId, exactName, seq, step } from './ids';
import { consoleEvent, media } from './media';
import { table } from './ownTable';
import { better, rowStep, rows, seriesDeclared, streamSpec } from './series';
import { config, tag } from './setup';
import { layerShapes, signalRole } from './snapshotFile';

/** What a trainer tells about its run; events.ts says how to read the numbers, and has what the server adds to a log. */

/** Any double, NaN and infinities included: z.number() refuses those, and losses can have these values. */
export const metric = z.custom<number>((v) => typeof v === 'number', 'a number is needed');

/** The data that an evaluation used: "validation", "test", "wikitext/long", ... */
export const split = exactName(64);
export type Split = z.infer<typeof split>;

/** Why something was recorded. */
export const trigger = z.enum(['start', 'cadence', 'epoch', 'command', 'best', 'end', 'alert', 'shutdown']);
export type Trigger = z.infer<typeof trigger>;

/** The device that trains the run. */
export const deviceInfo = z.strictObject({
  /** Backend of the built-in trainer. */
  backend: z.string().min(1).max(64).optional(),
  device: z.string().max(300),
  software: z.string().max(300).optional(),
  /** Backends that `auto` tried before, and why each was rejected. */
  tried: z.array(z.strictObject({ backend: z.string().max(64), reason: z.string().max(2000) })).optional(),
});
export type DeviceInfo = z.infer<typeof deviceInfo>;

/** `cosine` stays at 0 after its end; `cosine-periodic` comes back up to the full rate, as PyTorch's does. */
export const scheduleKind = z.enum(['cosine', 'linear', 'constant', 'cosine-periodic']);
export type ScheduleKind = z.infer<typeof scheduleKind>;

/** As a trainer declares it; its end is a control (role `scheduleEnd`), or the run's last step. */
export const scheduleSpec = z.strictObject({ kind: scheduleKind, warmupSteps: z.int().nonnegative() });
export type ScheduleSpec = z.infer<typeof scheduleSpec>;

/** What the run is: the first event of every attempt, sent again when a part of it changes (the last one holds). */
export const started = z.strictObject({
  type: z.literal('started'),
  step,
  device: deviceInfo,
  /**
   * What the examples are, in words that are shown wherever the data matters: "built-in demo pictures", a file's name. Left out:
   * no words are needed.
   */
  data: z.string().max(200).optional(),
  /** Streams declared together, as by `series` events. */
  streams: z.array(streamSpec).max(256).optional(),
  controls,
  /** Current value of every declared control. */
  values: table(controlValue),
  params: z.array(z.strictObject({ name: z.string(), shape: z.array(z.int().positive()) })).optional(),
  /** Left out when not known. */
  lengths: z
    .strictObject({ stepsPerEpoch: z.number().positive().finite().optional(), totalSteps: z.int().positive().optional() })
    .optional(),
  /** How the learning rate depends on the step, if it follows one of these schedules (schedule.ts). */
  schedule: scheduleSpec.optional(),
});
export type Started = z.infer<typeof started>;

export const evaluationMetric = z.strictObject({
  name: exactName(256),
  value: metric,
  role: z.enum(['loss', 'accuracy']).optional(),
  better: better.optional(),
  /** The number that says how good the run is: used for early stopping and the best checkpoint. */
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
  /**
   * The file that holds the examples' pictures, stored once for all snapshots with the same examples; left out: there are none,
   * or they are in `blob`.
   */
  pictures: blobRef.optional(),
  trigger,
  commandId: commandId.nullable(),
  /** Each layer has its own number of heads and size of maps; both may change between snapshots. */
  layers: layerShapes,
  examples: z.int().positive(),
  /** Mean over the examples from exact maps: one value per head, layer after layer. Their meaning is declared in the blob. */
  signals: z
    .array(
      z.strictObject({
        name: z.string().min(1).max(128),
        /** The role by which rules find it, whatever its name: normalized entropy, 0 to 1. */
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
  /** The checkpoint's bytes; for one stored elsewhere (`reference`) the text of the reference, filled in by the server. */
  blob: blobRef,
  /** A path or address that only the run's own script can read. */
  reference: z.string().min(1).max(2000).optional(),
  trigger,
  commandId: commandId.nullable(),
  /** Commands up to this seq are part of the saved state. */
  lastCommandSeq: z.int().nonnegative(),
  /** The main metric of an evaluation of these same parameters; left out: there was none. */
  main: z.strictObject({ split, metric: evaluationMetric }).optional(),
});
export type CheckpointEvent = z.infer<typeof checkpoint>;

/** The fields of a checkpoint that are needed to go back to it. */
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
  /** Filled in by the server when the command was already answered (a takeover applies it again): the command itself. */
  asked: loggedCommand.optional(),
  /** Filled in by the server when the command takes the run back: the target checkpoint. */
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
  /** The checkpoint (of `step`) that was asked about; left out: the run's current parameters. */
  checkpoint: blobHash.optional(),
  /** The seq of that checkpoint: the answer stays in force as long as it does. */
  checkpointSeq: seq.optional(),
});
export type Analysis = z.infer<typeof analysis>;

export const status = z.strictObject({
  type: z.literal('status'),
  /**
   * Only the server sets `crashed`: the process that owns the run is silent. The run continues when that process, or a new one,
   * is back.
   */
  status: z.enum(['running', 'paused', 'finished', 'stopped', 'failed', 'crashed']),
  step,
  message: z.string().max(2000),
  /** For a failed run: where its program was. */
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
  /** false: only recorded, nobody is notified (a watchdog's rule without `notify`). */
  notify: z.boolean().optional(),
  /** Number of events of this kind in this attempt, when one alert stands for several (events that were set aside). */
  count: z.int().positive().optional(),
});

/**
 * What is in force once the run has gone back, as far as a view shows it. A view holds only the newest items of the lists that
 * grow with a run (lists.ts), so the server looks the rest up and records it here.
 */
export const resumed = z.strictObject({
  /** Number of items in force in each list whose items belong to a step. */
  counts: z.record(z.string(), z.int().nonnegative()),
  /** The newest evaluation of each split. */
  evaluations: z.array(evaluationItem),
  best: evaluationItem.nullable(),
  /** Best row of the series that is the main metric; left out: the one in the view, if still in force. */
  bestRow: z.strictObject({ name: z.string(), step: rowStep, value: z.number() }).nullable().optional(),
  /** Controls that were changed since: who had changed each of them before; null = nobody. */
  values: z.array(
    z.strictObject({
      control: z.string(),
      state: z.strictObject({ value: controlValue, changedBy: actor.nullable(), changedAtStep: step }).nullable(),
    }),
  ),
  /** Commands that were answered since and now wait for their condition again. */
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

/**
 * The events that follow replace the rows at and after `step` in every stream, and all other items of those steps. Nothing is
 * overwritten: the log keeps the old ones.
 */
export const rewind = z.strictObject({
  type: z.literal('rewind'),
  step: rowStep,
  /**
   * Written by the server alone, where a run ends that people had taken back to a checkpoint: its seq, up to which items of that
   * step stay in force. Left out: none of them.
   */
  keepSeq: z.int().nonnegative().optional(),
  /** Filled in by the server: what is in force after it. */
  resumed: resumed.optional(),
});

/**
 * What a script changes about its run after it has opened it. `config`: settings that are new or have changed, by name; the
 * others stay, except those that `removed` names.
 */
export const described = z.strictObject({
  type: z.literal('setup'),
  name: chosenName(80).optional(),
  notes: z.string().max(4000).optional(),
  tags: z.array(tag).max(50).optional(),
  config: config.optional(),
  removed: z.array(z.string()).optional(),
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
