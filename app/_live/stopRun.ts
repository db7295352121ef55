import { nanoid } from 'nanoid';
import { api } from '~/app/_trpc/client';

/** Stops a run whose log the page does not follow: one that trains ends after its step, one that waits in the queue is canceled. */
export const stopRun = (runId: string) => api.runs.command.mutate({ kind: 'act', id: nanoid(), runId, action: 'stop', args: {} });
