import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import { type JobState, jobId } from '~/shared/jobs';
import { DISK_FULL_STATUS, diskFullWords, isDiskFull } from './diskFull';
import type { Answer, Job, Jobs } from './jobs';
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

interface About {
  kind: JobState['kind'];
  what: string;
  id: string | null;
  canceled: string;
}
type Refusal = (error: unknown) => { status: number; more?: object } | null;

/** The answer to an error, and what its job says of it. null: the error is a defect of the server */
function answerTo(error: unknown, refusal: Refusal): { status: number; message: string; more?: object } | null {
  if (error instanceof RequestError) return { status: error.status, message: error.message };
  if (isDiskFull(error)) return { status: DISK_FULL_STATUS, message: diskFullWords };
  const known = refusal(error);
  return known && { ...known, message: (error as Error).message };
}

const defect = 'the server could not do it; its log says why';

/**
 * A request as a job that goes on without its client: no proxy's limit on the time of an answer can end it. `wait` seconds later, and
 * to each further request with the same job, the answer is 202 {"job"} until the job is done; then it is that of the job.
 */
export async function asLongJob(
  jobs: Jobs,
  { request, response, actor }: KnownVisit,
  { wait, ...about }: About & { wait: string },
  work: (job: Job) => Promise<Answer>,
  refusal: Refusal,
): Promise<void> {
  const id = jobId.safeParse(about.id ?? '');
  if (!id.success) return refuse(response, 400, describeZodError(id.error));
  if (!/^[0-9]{1,2}$/.test(wait)) return refuse(response, 400, 'wait: a whole number of seconds from 0 to 99 is needed');
  let answer = jobs.answer(actor, id.data);
  let sent: Promise<unknown> = Promise.resolve();
  if (!answer) {
    const job = jobs.begin(actor, { id: id.data, kind: about.kind, what: about.what });
    if (!job) return refuse(response, 400, `job: there is a job ${id.data} already`);
    // An answer that came before the whole body would end the sending of it.
    if (!request.complete) sent = once(request, 'end');
    answer = jobs.during(
      work(job).then(
        (done) => {
          job.end('done');
          return done;
        },
        (error): Answer => {
          const known = answerTo(error, refusal);
          if (wentAway(error)) job.cancel();
          const canceled = job.signal.aborted;
          job.end('failed', known?.message ?? defect);
          if (canceled) return { status: 409, body: { error: about.canceled } };
          if (!known) throw error;
          return { status: known.status, body: { error: known.message, ...known.more } };
        },
      ),
    );
    answer.catch(() => {});
    jobs.keepAnswer(id.data, answer);
  }
  const waiting = new AbortController();
  const later = sent.then(() => pause(Number(wait) * 1000, null, { signal: waiting.signal })).catch(() => null);
  try {
    const done = await Promise.race([answer, later]);
    // The body of a request that only asks again is not read.
    response.setHeader('connection', 'close');
    if (!response.destroyed) sendAnswer(response, done ?? { status: 202, body: { job: id.data } });
  } finally {
    waiting.abort();
  }
}

export function sendAnswer(response: ServerResponse, { status, body }: Answer): void {
  if (body) sendJson(response, status, body);
  else response.writeHead(status).end();
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
  about: About,
  work: (job: Job) => Promise<void>,
  refusal: Refusal,
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
    const known = answerTo(error, refusal);
    if ((!request.complete && request.destroyed) || wentAway(error)) job.cancel();
    const canceled = job.signal.aborted;
    job.end('failed', known?.message ?? defect);
    // A request that was read to its end also counts as destroyed; one whose body nobody read is still answered.
    if (response.headersSent || (!request.complete && request.destroyed)) {
      response.destroy();
      if (!known && !canceled) throw error;
    } else if (canceled) refuse(response, 409, about.canceled);
    else if (known) refuse(response, known.status, known.message, known.more);
    else throw error;
  }
}

/** Whether something failed only because its asker went away. */
export const wentAway = (error: unknown): boolean => {
  const { name, code } = error as NodeJS.ErrnoException;
  return name === 'AbortError' || code === 'ERR_STREAM_PREMATURE_CLOSE' || code === 'ECONNRESET' || code === 'EPIPE';
};
