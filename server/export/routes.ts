import { existsSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { asJob, RequestError, refuse } from '~/server/base/jobRequest';
import type { Job, Jobs, Progress } from '~/server/base/jobs';
import type { Route } from '~/server/base/route';
import { Turns } from '~/server/base/turns';
import { describeZodError } from '~/server/base/zodError';
import type { Store } from '~/server/store';
import type { BlobStore } from '~/server/store/blobs';
import type { RunView } from '~/shared/view';
import { contentType, disposition, exportQuery, writeExport } from './formats';
import { notBuilt, replayPage } from './replay';
import { ExportError } from './source';
import { type ExportJob, exportInThread } from './thread';

/** Most exports at a time, in all and of one person or token: each has a thread of its own. */
const MOST = 16;
const MOST_OF_ONE = 2;

export interface ExportDeps {
  store: Store;
  blobs: BlobStore;
  now(): number;
  dataFolder: string;
  nodes?: ExportJob['nodes'];
  /** true: the store is the SQLite file in `dataFolder`, so a separate thread can read it for exports. */
  threaded: boolean;
  view(runId: string): Promise<RunView | null>;
  jobs: Jobs;
}

/**
 * GET /api/runs/<id>/export?format=..., with `job=<id>` to follow the export (tRPC jobs.get). Errors are JSON {"error": "<field>:
 * ..."}.
 */
export function exportRoutes(deps: ExportDeps): Route[] {
  const all = new Turns('exports', MOST);
  const own = new Map<string, Turns>();
  /** A client that reads slowly, or asks for many exports, keeps only its own next ones waiting. */
  async function inTurn(actorId: string, job: Job, work: () => Promise<void>): Promise<void> {
    const mine = own.get(actorId) ?? new Turns('exports of yours', MOST_OF_ONE);
    own.set(actorId, mine);
    try {
      await mine.during(job, () => all.during(job, work));
    } finally {
      if (mine.idle) own.delete(actorId);
    }
  }
  return [
    {
      method: 'GET',
      path: '/api/runs/:runId/export',
      for: 'watch runs',
      refuse,
      handle(visit) {
        const { url, params, response, actor } = visit;
        const { job: id = null, series, ...query } = Object.fromEntries(url.searchParams);
        const columns: Record<string, string[]> = series === undefined ? {} : { series: url.searchParams.getAll('series') };
        const asked = { ...query, ...columns, runId: params.runId! };
        const about = {
          kind: 'export',
          what: `${params.runId} as ${query.format ?? 'a file'}`,
          id,
          canceled: 'canceled',
        } as const;
        const refusal = (error: unknown) => (error instanceof ExportError ? { status: 400 } : null);
        return asJob(
          deps.jobs,
          visit,
          about,
          (job) => send(deps, response, asked, job, (work) => inTurn(actor.id, job, work)),
          refusal,
        );
      },
    },
  ];
}

async function send(
  deps: ExportDeps,
  response: ServerResponse,
  asked: Record<string, string | string[]>,
  job: Job,
  inTurn: (work: () => Promise<void>) => Promise<void>,
): Promise<void> {
  const query = exportQuery.safeParse(asked);
  if (!query.success) throw new RequestError(400, describeZodError(query.error));
  const view = await deps.view(query.data.runId);
  if (!view) throw new RequestError(404, `runId: there is no run ${query.data.runId}`);
  if (query.data.format === 'html' && !existsSync(replayPage)) throw new RequestError(503, notBuilt);
  await inTurn(async () => {
    const now = deps.now();
    const progress = (at: Progress) => job.progress(at);
    const parts = deps.threaded
      ? exportInThread(
          { folder: deps.dataFolder, nodes: deps.nodes ?? null, query: query.data, now },
          { progress, signal: job.signal },
        )
      : writeExport({ ...deps.store, blobs: deps.blobs, progress }, query.data, now);
    try {
      // The first part shows whether the requested content exists.
      const first = await parts.next();
      job.signal.throwIfAborted();
      response.writeHead(200, {
        'content-type': contentType(query.data),
        'content-disposition': disposition(query.data, view.setup.name, now),
        'cache-control': 'no-store',
      });
      const all = async function* () {
        if (!first.done) yield first.value;
        yield* parts;
      };
      // A client that disconnects ends the export.
      await pipeline(Readable.from(all(), { objectMode: false }), response, { signal: job.signal });
    } finally {
      await parts.return(undefined);
    }
  });
}
