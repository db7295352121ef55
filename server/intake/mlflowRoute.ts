/** How MLflow's requests are read, and how errors are answered. */
import type { ServerResponse } from 'node:http';
import type { z } from 'zod';
import { sendJson } from '~/server/base/respond';
import type { KnownVisit, Method, Route } from '~/server/base/route';
import type { Config } from '~/shared/setup';
import { parsed } from './body';
import type { Intake } from './intake';
import { exists } from './mlflowExperiments';
import { jsonBody, routesOf } from './routes';

const errorCodes: Record<number, string> = {
  400: 'INVALID_PARAMETER_VALUE',
  401: 'UNAUTHENTICATED',
  403: 'PERMISSION_DENIED',
  404: 'RESOURCE_DOES_NOT_EXIST',
  405: 'ENDPOINT_NOT_FOUND',
  409: 'INVALID_STATE',
  413: 'REQUEST_LIMIT_EXCEEDED',
  429: 'REQUEST_LIMIT_EXCEEDED',
};
export const noEndpoint = 'ENDPOINT_NOT_FOUND';
const writeError = (response: ServerResponse, status: number, message: string, field: string | null) =>
  sendJson(response, status, {
    error_code: field === exists || field === noEndpoint ? field : (errorCodes[status] ?? 'INTERNAL_ERROR'),
    message,
  });

/** One endpoint of MLflow's interface: the request's fields are checked before it answers. */
export type Endpoint = <T>(
  method: Method | readonly Method[],
  path: string,
  schema: z.ZodType<T>,
  answer: (wish: T, visit: KnownVisit, raw: string) => unknown,
) => Route;

export const mlflowRoute = (intake: Intake) => routesOf(intake, writeError);

/** @param route what `mlflowRoute` made */
export const endpointsOf =
  (route: ReturnType<typeof mlflowRoute>): Endpoint =>
  (method, path, schema, answer) =>
    route(method, `/api/2.0/mlflow/${path}`, async (visit, body) => {
      const raw = visit.request.method === 'GET' ? '' : await body();
      const given = raw === '' ? queryOf(visit.url) : await jsonBody(async () => raw);
      return answer(parsed(schema, given), visit, raw);
    });

/** "a=1&b=2&b=3": b is a list. */
function queryOf({ searchParams }: URL): Config {
  return Object.fromEntries(
    [...new Set(searchParams.keys())].map((key) => {
      const all = searchParams.getAll(key);
      return [key, all.length > 1 ? all : all[0]!];
    }),
  );
}
