/**
 * The scripts and styles of the pages, compressed once by the build. Next would compress each of them again for every visitor, on the
 * thread that serves everything, and without Brotli.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import path from 'node:path';
import { promisify } from 'node:util';
import { brotliCompress, constants, gzip } from 'node:zlib';

const types: Readonly<Record<string, string>> = {
  '.js': 'application/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
};

/** Best first. Browsers accept Brotli only over https and on this computer. */
const encodings = [
  {
    name: 'br',
    suffix: '.br',
    compress: promisify(brotliCompress),
    options: { params: { [constants.BROTLI_PARAM_QUALITY]: 11 } },
  },
  { name: 'gzip', suffix: '.gz', compress: promisify(gzip), options: { level: 9 } },
] as const;

/** Scripts and styles in a folder, as paths in it with forward slashes. */
const filesIn = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((file) => path.extname(file) in types)
    .map((file) => file.replaceAll('\\', '/'));

/** Writes the compressed forms of each file beside it. */
export async function compressFiles(folder: string): Promise<void> {
  await Promise.all(
    filesIn(folder).map(async (name) => {
      const file = path.join(folder, name);
      const content = await readFile(file);
      await Promise.all(
        encodings.map(async ({ suffix, compress, options }) => writeFile(file + suffix, await compress(content, options))),
      );
    }),
  );
}

/**
 * Answers requests for compressed files of a folder. Their names change with their content, so browsers keep them for good. All are read at
 * the start: a build may replace the files while the server runs.
 *
 * @param prefix path under which the folder is served, e.g. "/_next/static/"
 * @returns a function that tells whether it answered; if not, nothing was written
 */
export function serveCompressed(folder: string, prefix: string): (request: IncomingMessage, response: ServerResponse) => boolean {
  const read = (name: string) =>
    encodings
      .map(({ name: encoding, suffix }) => ({ encoding, file: path.join(folder, name) + suffix }))
      .filter(({ file }) => existsSync(file))
      .map(({ encoding, file }) => ({ encoding, content: readFileSync(file) }));
  const held = new Map(existsSync(folder) ? filesIn(folder).map((name) => [name, read(name)]) : []);
  return (request, response) => {
    const asked = (request.url ?? '').split('?')[0]!;
    const name = asked.slice(prefix.length);
    if (!asked.startsWith(prefix) || (request.method !== 'GET' && request.method !== 'HEAD')) return false;
    const accepted = String(request.headers['accept-encoding'] ?? '')
      .split(',')
      .map((e) => e.trim());
    const found = held.get(name)?.find((e) => accepted.includes(e.encoding));
    if (!found) return false;
    response.writeHead(200, {
      'content-type': types[path.extname(name)],
      'content-encoding': found.encoding,
      'content-length': found.content.length,
      'cache-control': 'public, max-age=31536000, immutable',
      vary: 'accept-encoding',
    });
    response.end(request.method === 'HEAD' ? undefined : found.content);
    return true;
  };
}
