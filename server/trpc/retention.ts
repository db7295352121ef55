import { z } from 'zod';
import { allowed, router } from './base';

const megabyte = 2 ** 20;

/** How much of the disk one run's snapshots may take; server/retention/thin.ts says what goes first when they outgrow it. */
export const retention = router({
  get: allowed('watch runs').query(({ ctx }): { quotaBytes: number } => ({ quotaBytes: ctx.retention.quotaBytes() })),

  /** Holds for every run from its next snapshot on. */
  set: allowed('delete runs')
    .input(z.strictObject({ quotaBytes: z.int().min(megabyte, `give at least ${megabyte} (1 MB)`) }))
    .mutation(async ({ ctx, input }): Promise<{ quotaBytes: number }> => {
      await ctx.retention.setQuota(input.quotaBytes);
      return { quotaBytes: ctx.retention.quotaBytes() };
    }),
});
