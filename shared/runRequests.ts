/** What people and scripts ask of runs: to start one, to branch one. */

import { z } from 'zod';
import { condition } from './commands';
import { controlValue } from './controls';
import { blobHash, chosenName, commandId, runId, seen } from './ids';
import { newSetup } from './setup';

/** Input of tRPC `runs.create`. */
export const createRun = z.strictObject({
  setup: newSetup,
  /** Made by the sender, who then may send the request again when its answer was lost: no second run is started. Left out: the server makes it. */
  runId: runId.optional(),
  /** Entered into the run's log at its start, so that a command for step 0 is in time. An id that is left out is made. */
  commands: z
    .array(
      z.discriminatedUnion('kind', [
        z.strictObject({
          kind: z.literal('set'),
          id: commandId.optional(),
          control: z.string().min(1).max(128),
          value: controlValue,
          when: condition.optional(),
        }),
        z.strictObject({
          kind: z.literal('act'),
          id: commandId.optional(),
          action: z.string().min(1).max(128),
          args: z.record(z.string().max(128), controlValue).optional(),
          when: condition.optional(),
        }),
      ]),
    )
    .max(100)
    .optional(),
  /** The run waits before its first step until somebody resumes it. */
  paused: z.boolean().optional(),
});

export type CreateRun = z.infer<typeof createRun>;

/**
 * Input of tRPC `runs.branch`. The parent is untouched; the branch resumes the checkpoint and waits for a trainer like any run.
 */
export const branchRun = z.strictObject({
  /** The parent run. */
  runId,
  /** Id of the branch, as `runId` of `createRun`. */
  branchId: runId.optional(),
  /** A checkpoint of the parent in force, or null: the current state (the parent's trainer is asked for a checkpoint). */
  checkpoint: blobHash.nullable(),
  name: seen(chosenName(80, 'give the branch a name')),
  /** Applied before the branch's first step. */
  changes: z.array(z.strictObject({ control: z.string().min(1).max(64), value: controlValue })).max(100),
  /** The parent's later commands, repeated at their steps, except `without` ("what if we had not"); null = none of them. */
  repeat: z.strictObject({ without: commandId.nullable() }).nullable(),
});

export type BranchRun = z.infer<typeof branchRun>;
