/** Shared by the routes of all protocols: who has access, at which rate, and how errors are answered. */
import type { ServerResponse } from 'node:http';
import { DISK_FULL_STATUS, diskFullWords, isDiskFull } from '~/server/base/diskFull';
import { sendJson } from '~/server/base/respond';
import type { KnownVisit, Method, Route } from '~/server/base/route';
import type { Refusal, RefusalReason } from '~/shared/commands';
import { RequestError, readBody, readJson } from './body';
import type { Intake } from './intake';

export const statusOf: Record<RefusalReason, number> = {
  invalid: 400,
  'unknown-run': 404,
  'unknown-control': 404,
  conflict: 409,
  forbidden: 403,
  'run-ended': 409,
  state: 409,
  failed: 500,
  busy: 503,
};

/** @throws RequestError with the message of the refusal */
export function given<T extends object>(answer: T | Refusal): T {
  if ('ok' in answer && answer.ok === false) throw new RequestError(statusOf[answer.reason], answer.message, answer.field);
  return answer as T;
}

/** Writes an error in a protocol's form. */
export type WriteError = (response: ServerResponse, status: number, message: string, field: string | null) => void;

export const writeError: WriteError = (response, status, error, field) => sendJson(response, status, { error, field });

/**
 * Makes the routes of a protocol: they answer with JSON, for trainers' tokens and for everybody who may start runs, sent as Bearer
 * or as the password of Basic authorization.
 */
export const routesOf =
  (intake: Intake, write: WriteError = writeError) =>
  (
    method: Method | readonly Method[],
    path: string,
    answer: (visit: KnownVisit, body: () => Promise<string>) => unknown,
  ): Route => ({
    method,
    path,
    for: ['trainer', 'start runs'],
    basic: true,
    refuse: (response, status, message) => write(response, status, message, null),
    async handle(visit: KnownVisit) {
      const { request, response } = visit;
      try {
        intake.admit(visit.actor);
        const value = await answer(visit, () => readBody(request));
        if (!response.headersSent) sendJson(response, 200, value ?? {});
      } catch (thrown) {
        const error = isDiskFull(thrown) ? new RequestError(DISK_FULL_STATUS, diskFullWords) : thrown;
        if (!(error instanceof RequestError)) throw error;
        if (error.status === 429) response.setHeader('retry-after', '1');
        // The rest of a refused body is not read.
        if (!request.complete) response.setHeader('connection', 'close');
        write(response, error.status, error.message, error.field);
      }
    },
  });

/** The body as JSON that may contain bare NaN and Infinity. */
export async function jsonBody(body: () => Promise<string>): Promise<unknown> {
  const text = await body();
  try {
    return text.trim() === '' ? {} : readJson(text);
  } catch (error) {
    throw new RequestError(400, `the body is no JSON: ${(error as Error).message}`);
  }
}
