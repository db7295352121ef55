import { z } from 'zod';
import { controlValue, declaredName } from './controls';
import { actor, blobHash, commandId, runId, seq, step } from './ids';
import { table } from './ownTable';
import { seriesName } from './series';

const comparison = z.enum(['>', '<']);

/** When a command takes effect: the trainer holds it until the condition is true at a step boundary, and applies it once. */
export const condition = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('step'), step }),
  z.strictObject({
    kind: z.literal('evaluation'),
    split: z.string().min(1).max(64),
    /** Name of one of the evaluation's metrics. */
    metric: z.string().min(1).max(256),
    comparison,
    value: z.number().finite(),
  }),
  /** The newest value of a series. */
  z.strictObject({ kind: z.literal('series'), name: seriesName, comparison, value: z.number().finite() }),
]);
export type Condition = z.infer<typeof condition>;

/**
 * One request to change a control or do an action. `expected` is the value that the person saw; if the value has changed since,
 * the command is refused as a conflict.
 */
export const command = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('set'),
    id: commandId,
    runId,
    control: declaredName,
    value: controlValue,
    expected: controlValue.optional(),
    when: condition.optional(),
  }),
  z.strictObject({
    kind: z.literal('act'),
    id: commandId,
    runId,
    action: declaredName,
    args: table(controlValue, declaredName),
    when: condition.optional(),
    /** Questions only (analyses.ts): about the parameters of this checkpoint, not the run's current ones. */
    checkpoint: blobHash.optional(),
  }),
]);
export type Command = z.infer<typeof command>;

/** A command as the log holds it and the trainer receives it: in `seq` order, applied once, at a step boundary. */
export const loggedCommand = z.strictObject({ seq, actor, command });
export type LoggedCommand = z.infer<typeof loggedCommand>;

export const refusalReason = z.enum([
  'invalid', // the message or a value does not match its declaration
  'unknown-run',
  'unknown-control',
  'conflict', // somebody else changed the value since the sender saw it
  'forbidden', // the sender's role does not allow it
  'run-ended',
  'state', // not possible now, e.g. resume of a run that is not paused
  'failed', // the trainer tried and could not
  'busy', // too many requests at once
]);
export type RefusalReason = z.infer<typeof refusalReason>;

export const refusal = z.strictObject({
  ok: z.literal(false),
  reason: refusalReason,
  message: z.string(),
  field: z.string().nullable(),
});
export type Refusal = z.infer<typeof refusal>;

/**
 * The server's answer to the sender: the command is in the log (its outcome follows as an entry), or the reason why it is not.
 */
export type CommandAnswer = { ok: true; seq: number } | Refusal;
