import { z } from 'zod';
import type { Thinned } from '~/server/retention/keeper';
import { runId } from '~/shared/ids';
import { allowed, router } from './base';
import { differs, writeRules } from './rules';

const megabyte = 2 ** 20;
const quota = z.int().min(megabyte, `give at least ${megabyte} (1 MB)`).optional();
const limits = { quotaBytes: quota, checkpointBytes: quota };
const answer = <T>({ snapshots, checkpoints }: Record<Thinned, T>) => ({ quotaBytes: snapshots, checkpointBytes: checkpoints });

/** The disk space that one run's snapshots and its checkpoints may take; server/retention/thin.ts decides which are removed beyond it. */
export const retention = router({
  get: allowed('watch runs').query(({ ctx }) => answer(ctx.retention.quotas())),

  /** What the snapshots and the checkpoints of a run take now; `unlimited`: its samples and answers to questions. */
  use: allowed('watch runs')
    .input(z.strictObject({ runId }))
    .query(async ({ ctx, input }) => {
      const { unlimited, ...use } = await ctx.retention.use(input.runId);
      return { ...answer(use), unlimited };
    }),

  /** Takes effect in every run at its next snapshot, or checkpoint. `quotaBytes`: of snapshots. `expected`: the limits as the caller read
   * them; if somebody has changed one of them since, nothing is saved. */
  set: allowed('delete runs')
    .input(
      z
        .strictObject({ ...limits, expected: z.strictObject(limits).optional() })
        .refine((q) => q.quotaBytes ?? q.checkpointBytes, {
          path: ['quotaBytes'],
          message: 'give it, or checkpointBytes, or both',
        }),
    )
    .mutation(async ({ ctx, input: { quotaBytes, checkpointBytes, expected } }) => {
      const now = () => answer(ctx.retention.quotas());
      const event = {
        type: 'retention.limits',
        ...(quotaBytes !== undefined && { snapshots: quotaBytes }),
        ...(checkpointBytes !== undefined && { checkpoints: checkpointBytes }),
      } as const;
      await writeRules(ctx, event, () => differs(now(), expected && { ...now(), ...expected }));
      return now();
    }),
});
