import { z } from 'zod';

/** Made by the client that asks for an export or import, so that it can follow and cancel the job from the first byte on. */
export const jobId = z.string().regex(/^[A-Za-z0-9_-]{8,64}$/, 'job: 8 to 64 letters, digits, "-" or "_" are needed');

/** A long job of the server: its progress, or its result. */
export interface JobState {
  id: string;
  kind: 'export' | 'import';
  /** What the job is, in words: "Recorded run as csv". */
  what: string;
  /** The current activity: "reading the log". */
  doing: string;
  done: number;
  /** 0 = not known. */
  total: number;
  unit: 'bytes' | 'entries' | 'rows' | 'series' | 'values';
  status: 'running' | 'done' | 'canceled' | 'failed';
  /** Why it failed; '' otherwise. */
  message: string;
}

/** Answers of a proxy that did not wait for the server, or could not reach it. */
const cutShort = [502, 503, 504, 524];
/** So often in a row a request that was cut short is sent again. */
const TRIES = 5;
/** Seconds that the server lets a request for a long job wait: fewer than usual proxies allow. */
export const JOB_WAIT_S = 25;

/**
 * Sends a request for a job that goes on without its client (`job=<id>&wait=<seconds>`) again until its answer is there. The job is
 * begun once, however often it is asked for.
 *
 * @param send one request, always with the same job
 */
export async function answerOfJob(send: () => Promise<Response>, pause: () => Promise<unknown>): Promise<Response> {
  for (let cut = 0; ; ) {
    const answer = await send().catch((error: unknown) => {
      if ((error as Error).name === 'AbortError' || cut === TRIES) throw error;
      return null;
    });
    if (answer?.status === 202) {
      cut = 0;
      continue;
    }
    if (answer && (!cutShort.includes(answer.status) || cut === TRIES)) return answer;
    cut++;
    await pause();
  }
}
