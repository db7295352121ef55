import type { ServerResponse } from 'node:http';
import { type JobState, jobId } from '~/shared/jobs';
import { DISK_FULL_STATUS, diskFullWords, isDiskFull } from './diskFull';
import type { Job, Jobs } from './jobs';
import { sendJson } from './respond';
import type { KnownVisit } from './route';
import { describeZodError } from './zodError';

/** The request cannot be fulfilled; its answer has this status. */
export class RequestError extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
  }
}

/** Answers with {"error"} and closes the connection: the rest of a refused body is not read. */
export function refuse(response: ServerResponse, status: number, error: string, more: object = {}): void {
  response.setHeader('connection', 'close');
  sendJson(response, status, { error, ...more });
}

/**
 * A request as a job that can be followed and canceled: `job=<id>` in its query identifies it. The job is canceled when the
 * client disconnects.
 *
 * @param refusal the answer to an error that the client caused; null: the error is a defect of the server, and thrown
 */
export async function asJob(
  jobs: Jobs,
  { request, response, actor }: KnownVisit,
  about: { kind: JobState['kind']; what: string; id: string | null; canceled: string },
  work: (job: Job) => Promise<void>,
  refusal: (error: unknown) => { status: number; more?: object } | null,
): Promise<void> {
  const id = about.id === null ? null : jobId.safeParse(about.id);
  if (id?.success === false) return refuse(response, 400, describeZodError(id.error));
  const job = jobs.begin(actor, { id: id?.data, kind: about.kind, what: about.what });
  if (!job) return refuse(response, 400, `job: there is a job ${id?.data} already`);
  response.once('close', () => {
    if (!response.writableFinished && !response.errored) job.cancel();
  });
  try {
    await jobs.during(work(job));
    job.end('done');
  } catch (error) {
    const full = isDiskFull(error);
    const message = full ? diskFullWords : (error as Error).message;
    const known =
      error instanceof RequestError ? { status: error.status } : full ? { status: DISK_FULL_STATUS, more: {} } : refusal(error);
    if ((!request.complete && request.destroyed) || wentAway(error)) job.cancel();
    const canceled = job.signal.aborted;
    job.end('failed', known ? message : 'the server could not do it; its log says why');
    // A request that was read to its end also counts as destroyed; one whose body nobody read is still answered.
    if (response.headersSent || (!request.complete && request.destroyed)) {
      response.destroy();
      if (!known && !canceled) throw error;
    } else if (canceled) refuse(response, 409, about.canceled);
    else if (known) refuse(response, known.status, message, known.more);
    else throw error;
  }
}

/** Whether something failed only because its asker went away. */
export const wentAway = (error: unknown): boolean => {
  const { name, code } = error as NodeJS.ErrnoException;
  return name === 'AbortError' || code === 'ERR_STREAM_PREMATURE_CLOSE' || code === 'ECONNRESET' || code === 'EPIPE';
};
