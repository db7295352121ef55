import { randomBytes } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import path from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Job, Jobs, Progress } from '~/server/base/jobs';
import { sendJson } from '~/server/base/respond';
import type { KnownVisit, Route } from '~/server/base/route';
import { describeZodError } from '~/server/base/zodError';
import { AlreadyHereError, ImportError } from '~/server/import/importError';
import { type ImportDeps, importRun } from '~/server/import/importRun';
import type { Actor } from '~/shared/ids';
import { jobId } from '~/shared/jobs';
import type { RunView } from '~/shared/view';
import { contentType, exportQuery, fileName, writeExport } from './formats';
import { ExportError } from './source';
import { exportInThread } from './thread';

export interface ExportDeps extends ImportDeps {
  dataFolder: string;
  /** The store is the SQLite file in `dataFolder`, so exports may be read by a thread of their own. */
  threaded: boolean;
  view(runId: string): Promise<RunView | null>;
  jobs: Jobs;
  /** Tells the audit log. */
  imported(actor: Actor, runId: string, name: string): Promise<void>;
}

/** Larger files are refused. */
const maxImportBytes = 8 * 2 ** 30;

/**
 * GET /api/runs/<id>/export?format=... and POST /api/import?name=<file name> with the file as the body, each with `job=<id>` to be followed by (tRPC jobs.get).
 * Answers errors as JSON {"error": "<field>: ..."}.
 */
export function exportRoutes(deps: ExportDeps): Route[] {
  return [
    { method: 'GET', path: '/api/runs/:runId/export', for: 'watch runs', refuse, handle: (visit) => carry(deps, visit, false) },
    { method: 'POST', path: '/api/import', for: 'start runs', refuse, handle: (visit) => carry(deps, visit, true) },
  ];
}

/** What is left of a refused body is not worth reading. */
function refuse(response: ServerResponse, status: number, error: string): void {
  response.setHeader('connection', 'close');
  sendJson(response, status, { error });
}

/** Sends an export or takes an import, as a job. */
async function carry(deps: ExportDeps, { request, response, url, params, actor }: KnownVisit, importing: boolean): Promise<void> {
  const { job: asked, ...query } = Object.fromEntries(url.searchParams);
  const id = asked === undefined ? undefined : jobId.safeParse(asked);
  if (id?.success === false) return refuse(response, 400, describeZodError(id.error));
  const name = query.name?.slice(0, 200) ?? '';
  const what = importing ? name || 'a file' : `${params.runId} as ${query.format ?? 'a file'}`;
  const job = deps.jobs.begin(actor, { id: id?.data, kind: importing ? 'import' : 'export', what });
  if (!job) return refuse(response, 400, `job: there is a job ${id?.data} already`);
  // Whoever goes away in the middle no longer wants it.
  response.once('close', () => {
    if (!response.writableFinished && !response.errored) job.cancel();
  });
  try {
    const { series, ...rest } = query;
    const columns: Record<string, string[]> = series === undefined ? {} : { series: url.searchParams.getAll('series') };
    await deps.jobs.during(
      importing
        ? receive(deps, request, response, query, actor, job)
        : send(deps, response, { ...rest, ...columns, runId: params.runId! }, job),
    );
    job.end('done');
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    const ours = error instanceof ImportError || error instanceof ExportError;
    if (!request.complete || wentAway(error)) job.cancel();
    const cancelled = job.signal.aborted;
    job.end('failed', ours ? message : 'the server could not do it; its log says why');
    // A request read to its end counts as destroyed too.
    if (response.headersSent || !request.complete) {
      response.destroy();
      if (!ours && !cancelled) throw error;
    } else if (cancelled) refuse(response, 409, importing ? 'cancelled: nothing was imported' : 'cancelled');
    else if (error instanceof AlreadyHereError) {
      const { runId, nothingNew } = error;
      response.setHeader('connection', 'close');
      sendJson(response, 409, { error: message, runId, nothingNew });
    } else if (ours) refuse(response, 400, message);
    else throw error;
  }
}

const wentAway = (error: unknown): boolean => {
  const { name, code } = error as NodeJS.ErrnoException;
  return name === 'AbortError' || code === 'ERR_STREAM_PREMATURE_CLOSE' || code === 'ECONNRESET' || code === 'EPIPE';
};

async function send(
  deps: ExportDeps,
  response: ServerResponse,
  asked: Record<string, string | string[]>,
  job: Job,
): Promise<void> {
  const query = exportQuery.safeParse(asked);
  if (!query.success) {
    const message = describeZodError(query.error);
    job.end('failed', message);
    refuse(response, 400, message);
    return;
  }
  const view = await deps.view(query.data.runId);
  if (!view) {
    const message = `runId: there is no run ${query.data.runId}`;
    job.end('failed', message);
    refuse(response, 404, message);
    return;
  }
  const now = deps.now();
  const progress = (at: Progress) => job.progress(at);
  const parts = deps.threaded
    ? exportInThread({ folder: deps.dataFolder, query: query.data, now }, { progress, signal: job.signal })
    : writeExport({ ...deps.store, blobs: deps.blobs, progress }, query.data, now);
  try {
    // The first part shows whether there is anything to send.
    const first = await parts.next();
    job.signal.throwIfAborted();
    response.writeHead(200, {
      'content-type': contentType(query.data.format),
      'content-disposition': `attachment; filename="${fileName(query.data, view.setup.name, now)}"`,
      'cache-control': 'no-store',
    });
    const all = async function* () {
      if (!first.done) yield first.value;
      yield* parts;
    };
    // A reader that goes away ends the export.
    await pipeline(Readable.from(all(), { objectMode: false }), response, { signal: job.signal });
  } finally {
    await parts.return(undefined);
  }
}

async function receive(
  deps: ExportDeps,
  request: IncomingMessage,
  response: ServerResponse,
  { name = '', as = 'itself' }: Record<string, string>,
  actor: Actor,
  job: Job,
): Promise<void> {
  if (as !== 'itself' && as !== 'copy')
    throw new ImportError(`as: "${as.slice(0, 40)}" is not known; give "copy", or leave it out`);
  const announced = Number(request.headers['content-length'] ?? 0);
  if (announced > maxImportBytes) throw new ImportError(`the file has ${announced} bytes, at most ${maxImportBytes} are taken`);
  const folder = importFolder(deps.dataFolder);
  await mkdir(folder, { recursive: true });
  const file = path.join(folder, randomBytes(12).toString('hex'));
  try {
    let bytes = 0;
    const limited = async function* (source: AsyncIterable<Buffer>) {
      for await (const part of source) {
        bytes += part.length;
        if (bytes > maxImportBytes) throw new ImportError(`the file has more than the ${maxImportBytes} bytes that are taken`);
        job.progress({ doing: 'sending the file', done: bytes, total: announced, unit: 'bytes' });
        yield part;
      }
    };
    await pipeline(request, limited, createWriteStream(file, { flags: 'wx' }), { signal: job.signal });
    const imported = await importRun(deps, { file, name: name.slice(0, 200), actor, asCopy: as === 'copy', following: job });
    job.end('done');
    await deps.imported(actor, imported.runId, name.slice(0, 200));
    sendJson(response, 201, imported);
  } finally {
    await rm(file, { force: true });
  }
}

const importFolder = (dataFolder: string): string => path.join(dataFolder, 'imports');

/** Files of uploads that a crash cut short. */
export const forgetUploads = (dataFolder: string): Promise<void> =>
  rm(importFolder(dataFolder), { recursive: true, force: true });
