import { z } from 'zod';
import { type JobState, jobId } from '~/shared/jobs';
import { allowed, router } from './base';

const one = z.strictObject({ id: jobId });

/** Exports and imports that you began, or, for admins, anybody; null = there is no such one. */
export const jobs = router({
  get: allowed('watch runs')
    .input(one)
    .query(({ ctx, input }): JobState | null => ctx.jobs.get(ctx.actor, input.id)),
  /** Ends it; what it has half done is taken away. */
  cancel: allowed('watch runs')
    .input(one)
    .mutation(({ ctx, input }): JobState | null => ctx.jobs.cancel(ctx.actor, input.id)),
});
