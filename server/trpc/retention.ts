import { z } from 'zod';
import { allowed, router } from './base';

const megabyte = 2 ** 20;

/** The disk space that one run's snapshots may take; server/retention/thin.ts decides which are removed beyond it. */
export const retention = router({
  get: allowed('watch runs').query(({ ctx }): { quotaBytes: number } => ({ quotaBytes: ctx.retention.quotaBytes() })),

  /** Takes effect in every run at its next snapshot. */
  set: allowed('delete runs')
    .input(z.strictObject({ quotaBytes: z.int().min(megabyte, `give at least ${megabyte} (1 MB)`) }))
    .mutation(async ({ ctx, input }): Promise<{ quotaBytes: number }> => {
      await ctx.retention.setQuota(input.quotaBytes);
      return { quotaBytes: ctx.retention.quotaBytes() };
    }),
});
