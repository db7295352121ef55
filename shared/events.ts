import { z } from 'zod';
import { command } from './commands';
import { actor, attempt, blobRef, chosenName, commandId, runId, seen, seq, step } from './ids';
import { noteEvent } from './notes';
import { config, runSetup, tag } from './setup';
import { mostTags } from './tags';
import { alert, commandRefused, resumed, type TrainerEvent } from './trainerEvents';

export * from './trainerEvents';

/**
 * Everything that can happen to a run: the entries of its log, those of the trainer (trainerEvents.ts) and, here, those of the
 * server. Numbers may be NaN or infinite (pack.ts and json.ts carry them). "At step s" means: after s updates, before update s; a
 * value that takes effect at step s is used by update s.
 */

export const runCreated = z.strictObject({
  type: z.literal('run.created'),
  setup: runSetup,
  actor,
  /** Where a branch leaves its parent. */
  parent: z.strictObject({ runId, step, checkpoint: blobRef.nullable() }).nullable(),
  /** How a branch differs from its parent, in words; left out: it does not. */
  change: z.string().max(300).optional(),
  /** The run that this one was imported as a copy of. */
  copyOf: runId.optional(),
  /** Hash of the key with which its script opens it again. */
  openKey: z.string().optional(),
});

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
  /** A script opened its run again with another config: the one that applies from now on. */
  config: config.optional(),
});

/** `released`: the process gave the run up, or people took the run from its trainer, so that the server waits for neither to come back. */
export const trainerLost = z.strictObject({
  type: z.literal('trainer.lost'),
  message: z.string(),
  released: z.literal(true).optional(),
});
export const trainerBack = z.strictObject({ type: z.literal('trainer.back') });

export const commandRequested = z.strictObject({ type: z.literal('command.requested'), actor, command });

/** The only person who may steer for now; null = everybody who may steer at all. Only the holder, an admin, or time ends it. */
export const controlLocked = z.strictObject({
  type: z.literal('control.locked'),
  actor,
  holder: actor.nullable(),
  until: z.number().nullable(),
});

/** Somebody without the control lock asks its holder for it. */
export const controlRequested = z.strictObject({ type: z.literal('control.requested'), actor });
/** The holder, or an admin, does not give it to `asker`. */
export const controlRefused = z.strictObject({ type: z.literal('control.refused'), actor, asker: actor });

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

const tags = z.array(tag).max(mostTags);
const newTags = z.array(seen(tag)).max(mostTags);

/** Name, tags, archived, deleted: what people change about a run, apart from its config. */
export const runLabeled = z.strictObject({
  type: z.literal('run.labelled'),
  actor,
  name: chosenName(80).optional(),
  tags: tags.optional(),
  archived: z.boolean().optional(),
  /** Deleted, but can be restored. */
  trashed: z.boolean().optional(),
});

/** What a person asks to change. `tagged` changes single tags: those that another person gave meanwhile stay. */
export const labelChanges = runLabeled.omit({ type: true, actor: true }).extend({
  name: seen(chosenName(80)).optional(),
  tags: newTags.optional(),
  tagged: z.strictObject({ add: newTags, remove: tags }).optional(),
});

/** Items left the list: deleted so that all of the run fit their quota (server/retention/thin.ts says which go first), or imported without their file. */
const thinned = {
  /** Omitted where the items were imported without their files. */
  quotaBytes: z.int().positive().optional(),
  /** Seqs of the items in force. */
  seqs: z.array(seq),
  /** Seqs of those that the run had gone back over. */
  superseded: z.array(seq).optional(),
  /** A sentence for people. */
  message: z.string().max(500),
};
const namesItems = ({ seqs, superseded = [] }: { seqs: number[]; superseded?: number[] | undefined }) =>
  seqs.length + superseded.length > 0;
const noItems = { path: ['seqs'], error: 'no item is named' };
/** The maps were deleted; the signals stay. */
export const snapshotsThinned = z.strictObject({ type: z.literal('snapshots.thinned'), ...thinned }).refine(namesItems, noItems);
export const checkpointsThinned = z
  .strictObject({ type: z.literal('checkpoints.thinned'), ...thinned })
  .refine(namesItems, noItems);

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
  controlRefused,
  noteEvent,
  runLabeled,
  runQueued,
  commandQueued,
  snapshotsThinned,
  checkpointsThinned,
  alert,
]);
export type ServerEvent = z.infer<typeof serverEvent>;

export type RunEvent = TrainerEvent | ServerEvent;

/** One log entry. A `rows` entry of n rows takes the seqs seq .. seq+n-1, every other one takes one seq. */
export interface Entry<E extends RunEvent = RunEvent> {
  seq: number;
  attempt: number;
  /** Time of the commit by the server's clock, ms since 1970. */
  at: number;
  event: E;
}
