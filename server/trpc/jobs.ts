import { z } from 'zod';
import { type JobState, jobId } from '~/shared/jobs';
import { allowed, router } from './base';

const one = z.strictObject({ id: jobId });

/** Exports and imports that the person began; an admin sees those of all people. null = no such job. */
export const jobs = router({
  get: allowed('watch runs')
    .input(one)
    .query(({ ctx, input }): JobState | null => ctx.jobs.get(ctx.actor, input.id)),
  /** Ends the job; its partial results are deleted. */
  cancel: allowed('watch runs')
    .input(one)
    .mutation(({ ctx, input }): JobState | null => ctx.jobs.cancel(ctx.actor, input.id)),
});
