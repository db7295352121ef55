import { z } from 'zod';
import type { Thinned } from '~/server/retention/keeper';
import { runId } from '~/shared/ids';
import { allowed, router } from './base';

const megabyte = 2 ** 20;
const quota = z.int().min(megabyte, `give at least ${megabyte} (1 MB)`).optional();
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

  /** Takes effect in every run at its next snapshot, or checkpoint. `quotaBytes`: of snapshots. */
  set: allowed('delete runs')
    .input(
      z
        .strictObject({ quotaBytes: quota, checkpointBytes: quota })
        .refine((q) => Object.keys(q).length > 0, { path: ['quotaBytes'], message: 'give it, or checkpointBytes, or both' }),
    )
    .mutation(async ({ ctx, input: { quotaBytes, checkpointBytes } }) => {
      await ctx.retention.setQuotas({
        ...(quotaBytes !== undefined && { snapshots: quotaBytes }),
        ...(checkpointBytes !== undefined && { checkpoints: checkpointBytes }),
      });
      return answer(ctx.retention.quotas());
    }),
});
