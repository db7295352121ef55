import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { asJob, RequestError, refuse } from '~/server/base/jobRequest';
import type { Job, Jobs, Progress } from '~/server/base/jobs';
import { may } from '~/server/base/permissions';
import { describeZodError } from '~/server/base/zodError';
import type { Store } from '~/server/store';
import type { BlobStore } from '~/server/store/blobs';
import type { Actor } from '~/shared/ids';
import type { RunView } from '~/shared/view';
import { contentType, exportQuery, fileName, writeExport } from './formats';
import { ExportError } from './source';
import { exportInThread } from './thread';

export interface ExportDeps {
  store: Store;
  blobs: BlobStore;
  now(): number;
  dataFolder: string;
  /** The store is the SQLite file in `dataFolder`, so exports may be read by a thread of their own. */
  threaded: boolean;
  view(runId: string): Promise<RunView | null>;
  jobs: Jobs;
}

/**
 * GET /api/runs/<id>/export?format=..., with `job=<id>` to be followed by (tRPC jobs.get). Answers errors as JSON {"error": "<field>: ..."}.
 *
 * @returns whether the path was this one
 */
export async function exportRoutes(
  deps: ExportDeps,
  request: IncomingMessage,
  response: ServerResponse,
  url: URL,
  actor: Actor,
): Promise<boolean> {
  const runId = /^\/api\/runs\/([^/]+)\/export$/.exec(url.pathname)?.[1];
  if (runId === undefined) return false;
  if (request.method !== 'GET') {
    response.setHeader('allow', 'GET');
    refuse(response, 405, 'GET is needed here');
    return true;
  }
  if (!may(actor, 'watch runs')) {
    refuse(response, 403, `${actor.name} (${actor.role}) may not watch runs`);
    return true;
  }
  const { job: id = null, series, ...query } = Object.fromEntries(url.searchParams);
  const columns: Record<string, string[]> = series === undefined ? {} : { series: url.searchParams.getAll('series') };
  const what = `${runId} as ${query.format ?? 'a file'}`;
  await asJob(
    deps.jobs,
    request,
    response,
    actor,
    { kind: 'export', what, id, cancelled: 'cancelled' },
    (job) => send(deps, response, { ...query, ...columns, runId }, job),
    (error) => (error instanceof ExportError ? { status: 400 } : null),
  );
  return true;
}

async function send(
  deps: ExportDeps,
  response: ServerResponse,
  asked: Record<string, string | string[]>,
  job: Job,
): Promise<void> {
  const query = exportQuery.safeParse(asked);
  if (!query.success) throw new RequestError(400, describeZodError(query.error));
  const view = await deps.view(query.data.runId);
  if (!view) throw new RequestError(404, `runId: there is no run ${query.data.runId}`);
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
