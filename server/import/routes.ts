import type { IncomingMessage } from 'node:http';
import { asJob, asLongJob, RequestError, refuse, sendAnswer } from '~/server/base/jobRequest';
import type { Answer, Job, Jobs } from '~/server/base/jobs';
import type { KnownVisit, Method, Route } from '~/server/base/route';
import { describeZodError } from '~/server/base/zodError';
import type { Actor } from '~/shared/ids';
import { type ImportChoices, type ImportResult, importChoices } from '~/shared/imports';
import type { ImportDesk, OpenImport } from './desk';
import { AlreadyHereError, ImportError } from './importError';
import { importFiles, planImport } from './importRun';
import type { ImportDeps } from './unfinishedImports';

export interface ImportRouteDeps extends ImportDeps {
  desk: ImportDesk;
  jobs: Jobs;
  /** Records the import in the audit log. */
  imported(actor: Actor, runId: string, name: string): Promise<void>;
}

const MAX_CHOICES = 4 * 2 ** 20;
const LONGEST_NAME = 1000;

/**
 * In one request: POST /api/import?name=<file name>[&as=copy][&axis=<column>][&project=<name>] with the file as the body. In
 * steps: POST /api/imports opens an import; PUT /api/imports/<id>/files?path=<path> sends a file; POST .../plan describes the
 * runs; POST .../runs writes them; DELETE ends the import. With `job=<id>`, each can be followed and canceled (tRPC jobs), and with
 * `wait=<seconds>` too it goes on without its client, who asks again after 202. Errors are JSON {"error"}.
 */
export function importRoutes(deps: ImportRouteDeps): Route[] {
  const { desk } = deps;
  const route = (
    method: Method,
    path: string,
    work: (visit: KnownVisit, job: Job, query: Record<string, string>) => Promise<Answer>,
  ): Route => ({
    method,
    path,
    for: 'start runs',
    refuse,
    handle(visit) {
      const { job: id = null, wait, ...query } = Object.fromEntries(visit.url.searchParams);
      const what = (query.name ?? query.path ?? '').slice(0, 200) || 'files';
      const about = { kind: 'import', what, id, canceled } as const;
      if (wait !== undefined) return asLongJob(deps.jobs, visit, { ...about, wait }, (job) => work(visit, job, query), refusal);
      return asJob(deps.jobs, visit, about, async (job) => sendAnswer(visit.response, await work(visit, job, query)), refusal);
    },
  });
  const ofImport = (
    method: Method,
    what: string,
    work: (open: OpenImport, visit: KnownVisit, job: Job, query: Record<string, string>) => Promise<Answer>,
  ): Route =>
    route(method, `/api/imports/:id${what}`, async (visit, job, query) => {
      const open = desk.get(visit.actor, visit.params.id!);
      return desk.during(open, () => work(open, visit, job, query));
    });
  return [
    route('POST', '/api/import', (visit, job, query) => single(deps, visit, query, job)),
    route('POST', '/api/imports', async ({ actor }) => ({ status: 201, body: { id: (await desk.open(actor)).id } })),
    ofImport('PUT', '/files', async (open, { request }, job, query) => {
      await desk.receive(open, nameIn(query.path), request, announced(request), job);
      return { status: 204, body: null };
    }),
    ofImport('POST', '/plan', async (open, visit, job) => {
      open.job = job;
      const choices = await choicesIn(visit.request);
      return { status: 200, body: await desk.inTurn(job, () => planImport(deps, { ...open, choices, following: job })) };
    }),
    ofImport('POST', '/runs', async (open, visit, job) => {
      open.job = job;
      const result = await written(deps, open, visit.actor, await choicesIn(visit.request), job);
      await desk.close(open);
      return { status: 201, body: result };
    }),
    ofImport('DELETE', '', async (open) => {
      open.job?.cancel();
      await desk.close(open);
      return { status: 204, body: null };
    }),
  ];
}

const canceled = 'canceled: nothing was imported';

function refusal(error: unknown): { status: number; more?: object } | null {
  if (error instanceof AlreadyHereError) return { status: 409, more: { runId: error.runId, nothingNew: error.nothingNew } };
  return error instanceof ImportError ? { status: 400, more: error.axes ? { axes: error.axes } : {} } : null;
}

async function single(
  deps: ImportRouteDeps,
  { request, actor }: KnownVisit,
  { name = '', as = 'itself', axis, project }: Record<string, string>,
  job: Job,
): Promise<Answer> {
  if (as !== 'itself' && as !== 'copy')
    throw new ImportError(`as: "${as.slice(0, 40)}" is not known; give "copy", or leave it out`);
  const called = name.slice(0, 200) || 'file';
  const choices = parsed({
    ...(axis && { axis }),
    ...(project && { project }),
    ...(as === 'copy' && { runs: [{ key: called, asCopy: true }] }),
  });
  const open = await deps.desk.open(actor);
  try {
    const result = await deps.desk.during(open, async () => {
      await deps.desk.receive(open, called, request, announced(request), job);
      return written(deps, open, actor, choices, job);
    });
    const failed = result.runs.find((run) => run.error !== null);
    const made = result.runs.filter((run) => run.runId !== null);
    if (made.length === 0)
      throw new ImportError(failed?.error ?? `there is no run in it: ${result.leftOut.join('; ') || 'the file is empty'}`);
    const leftOut = [made[0]!.leftOut, ...result.leftOut].filter((words) => words !== null).join('; ');
    const several = result.runs.length > 1 ? { runs: result.runs } : {};
    return { status: 201, body: { runId: made[0]!.runId, leftOut: leftOut || null, ...several } };
  } finally {
    await deps.desk.close(open);
  }
}

async function written(
  deps: ImportRouteDeps,
  open: OpenImport,
  actor: Actor,
  choices: ImportChoices,
  job: Job,
): Promise<ImportResult> {
  const result = await deps.desk.inTurn(job, () => importFiles(deps, { ...open, actor, choices, following: job }));
  // Failures are reported by the caller.
  if (result.runs.some((run) => run.runId !== null)) job.end('done');
  for (const { runId, key } of result.runs) if (runId !== null) await deps.imported(actor, runId, key.slice(0, 200));
  return result;
}

const announced = (request: IncomingMessage): number => Number(request.headers['content-length'] ?? 0);

/** A path inside the import: only a name, never a path on the disk. */
function nameIn(given: string | undefined): string {
  const name = (given ?? '').replaceAll('\\', '/').replace(/^(\.?\/)+/, '');
  if (name === '' || name.length > LONGEST_NAME)
    throw new RequestError(400, `path: the name of the file is needed, of 1 to ${LONGEST_NAME} characters`);
  return name;
}

async function choicesIn(request: IncomingMessage): Promise<ImportChoices> {
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of request as AsyncIterable<Buffer>) {
    bytes += part.length;
    if (bytes > MAX_CHOICES) throw new RequestError(413, `the choices have more than the ${MAX_CHOICES} bytes that are taken`);
    parts.push(part);
  }
  if (bytes === 0) return {};
  try {
    return parsed(JSON.parse(Buffer.concat(parts).toString()));
  } catch (error) {
    if (error instanceof SyntaxError) throw new RequestError(400, `the body is not JSON: ${error.message}`);
    throw error;
  }
}

function parsed(value: unknown): ImportChoices {
  const choices = importChoices.safeParse(value);
  if (!choices.success) throw new RequestError(400, describeZodError(choices.error));
  return choices.data;
}
