import { randomBytes } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import path from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { RunView } from '~/shared/fold';
import type { Actor } from '~/shared/ids';
import { ImportError } from '../import/importError';
import { type ImportDeps, importRun } from '../import/importRun';
import { may } from '../permissions';
import { sendJson } from '../respond';
import { inWords } from '../trpc/base';
import { contentType, exportQuery, fileName, writeExport } from './formats';
import { ExportError } from './source';
import { exportInThread } from './thread';

export interface ExportDeps extends ImportDeps {
  dataFolder: string;
  /** The store is the SQLite file in `dataFolder`, so exports may be read by a thread of their own. */
  threaded: boolean;
  view(runId: string): Promise<RunView | null>;
}

/** Larger files are refused. */
const maxImportBytes = 8 * 2 ** 30;

/**
 * GET /api/runs/<id>/export?format=... and POST /api/import?name=<file name> with the file as the body. Answers errors as JSON {"error": "<field>: ..."}.
 *
 * @returns whether the path was one of these
 */
export async function exportRoutes(
  deps: ExportDeps,
  request: IncomingMessage,
  response: ServerResponse,
  url: URL,
  actor: Actor,
): Promise<boolean> {
  const match = /^\/api\/runs\/([^/]+)\/export$/.exec(url.pathname);
  const importing = url.pathname === '/api/import';
  if (!match && !importing) return false;
  const refuse = (status: number, error: string) => {
    // What is left of a refused body is not worth reading.
    response.setHeader('connection', 'close');
    sendJson(response, status, { error });
    return true;
  };
  const method = importing ? 'POST' : 'GET';
  if (request.method !== method) {
    response.setHeader('allow', method);
    return refuse(405, `${method} is needed here`);
  }
  const needed = importing ? 'start runs' : 'watch runs';
  if (!may(actor, needed)) return refuse(403, `${actor.name} (${actor.role}) may not ${needed}`);
  try {
    if (importing) await receive(deps, request, response, url.searchParams.get('name') ?? '', actor);
    else await send(deps, response, { ...fieldsOf(url.searchParams), runId: match![1]! }, refuse);
  } catch (error) {
    // A request read to its end counts as destroyed too.
    if (response.headersSent || !request.complete) response.destroy();
    else if (error instanceof ImportError || error instanceof ExportError) refuse(400, error.message);
    else throw error;
  }
  return true;
}

/** `series` may be given several times. */
const fieldsOf = (params: URLSearchParams): Record<string, string | string[]> => ({
  ...Object.fromEntries(params),
  ...(params.has('series') && { series: params.getAll('series') }),
});

async function send(
  deps: ExportDeps,
  response: ServerResponse,
  asked: Record<string, string | string[]>,
  refuse: (status: number, error: string) => boolean,
): Promise<void> {
  const query = exportQuery.safeParse(asked);
  if (!query.success) {
    refuse(400, inWords(query.error));
    return;
  }
  const view = await deps.view(query.data.runId);
  if (!view) {
    refuse(404, `runId: there is no run ${query.data.runId}`);
    return;
  }
  const now = deps.now();
  const parts = deps.threaded
    ? exportInThread({ folder: deps.dataFolder, query: query.data, now })
    : writeExport({ ...deps.store, blobs: deps.blobs }, query.data, now);
  try {
    // The first part shows whether there is anything to send.
    const first = await parts.next();
    response.writeHead(200, {
      'content-type': contentType(query.data.format),
      'content-disposition': `attachment; filename="${fileName(query.data, view.config.name, now)}"`,
      'cache-control': 'no-store',
    });
    const all = async function* () {
      if (!first.done) yield first.value;
      yield* parts;
    };
    // A reader that goes away ends the export.
    await pipeline(Readable.from(all(), { objectMode: false }), response);
  } finally {
    await parts.return(undefined);
  }
}

async function receive(
  deps: ExportDeps,
  request: IncomingMessage,
  response: ServerResponse,
  name: string,
  actor: Actor,
): Promise<void> {
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
        yield part;
      }
    };
    await pipeline(request, limited, createWriteStream(file, { flags: 'wx' }));
    sendJson(response, 201, await importRun(deps, { file, name: name.slice(0, 200), actor }));
  } finally {
    await rm(file, { force: true });
  }
}

const importFolder = (dataFolder: string): string => path.join(dataFolder, 'imports');

/** Files of uploads that a crash cut short. */
export const forgetUploads = (dataFolder: string): Promise<void> =>
  rm(importFolder(dataFolder), { recursive: true, force: true });
