/** `headroom export RUN...`: files of a running server's runs, by the requests that the menus use. */
import { createWriteStream } from 'node:fs';
import { rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { openServer, ServerError } from '~/server/base/askServer';
import { readArguments, standardTerminal, type Terminal } from '~/server/base/terminal';
import { pathProblem } from '~/shared/pathProblem';

export const usage = `headroom export RUN... [flags]

Writes runs to files. RUN is the id of a run: the last word of the address of its page.

  --format NAME      headroom (everything, for an import elsewhere; the default), csv, json, parquet, tensorboard, html (a replay), ...
  --to PATH          a file, or a folder that is there; - for the standard output. Default: a file here, named after the run
  --with NAME=VALUE  a parameter of the format, e.g. --with series=loss --with from=100 (server/export/RECORD.md lists them)
  --server URL       default: HEADROOM_SERVER, or http://127.0.0.1:3000
  --token TOKEN      default: HEADROOM_TOKEN; needed unless the server runs on this machine without a login`;

/** @returns the exit code: 0, 1 when a run could not be exported, 2 for wrong arguments */
export async function main(argv: readonly string[], terminal: Terminal = standardTerminal()): Promise<number> {
  const { out, err, signal } = terminal;
  const read = readArguments(argv, options, usage, terminal);
  if (typeof read === 'number') return read;
  const { values, positionals: runs } = read;
  const query = new URLSearchParams({ format: values.format ?? 'headroom' });
  for (const given of values.with ?? []) {
    const [, name, value] = /^([^=]+)=(.*)$/s.exec(given) ?? [];
    if (name === undefined) {
      err(`--with ${given}: NAME=VALUE is needed, e.g. --with series=loss`);
      return 2;
    }
    query.append(name, value!);
  }
  try {
    const { request } = openServer({ url: values.server, token: values.token, signal });
    for (const run of runs) {
      const answer = await request(`/api/runs/${encodeURIComponent(run)}/export?${query}`);
      const header = answer.headers.get('content-disposition') ?? '';
      const [, utf8] = /filename\*=UTF-8''(\S+)/.exec(header) ?? [];
      const name = utf8 ? decodeURIComponent(utf8) : (/filename="([^"]+)"/.exec(header)?.[1] ?? run);
      const file = values.to === '-' ? null : await placeFor(path.basename(name), values.to, runs.length);
      const body = Readable.fromWeb(answer.body as Parameters<typeof Readable.fromWeb>[0]);
      if (file === null) await pipeline(body, process.stdout, { end: false, ...(signal && { signal }) });
      else out(await save(body, file, signal));
    }
    return 0;
  } catch (error) {
    err(error instanceof ServerError ? error.message : signal?.aborted ? 'canceled' : `export: ${(error as Error).message}`);
    return 1;
  }
}

const options = {
  help: { type: 'boolean', short: 'h' },
  format: { type: 'string' },
  to: { type: 'string' },
  with: { type: 'string', multiple: true },
  server: { type: 'string' },
  token: { type: 'string' },
} as const;

/** @throws Error rather than write over a file that nobody named, or several runs into one file */
async function placeFor(name: string, to: string | undefined, runs: number): Promise<string> {
  const isFolder = to === undefined || (await stat(to).catch(() => null))?.isDirectory() === true;
  if (!isFolder && runs > 1) throw new Error(`--to ${to}: give a folder that is there for ${runs} runs`);
  if (!isFolder) return to;
  const file = path.join(to ?? '.', name);
  if (await stat(file).catch(() => null)) throw new Error(`${file} is there already: name another file with --to`);
  return file;
}

/** The file has its name only when it is whole. */
async function save(body: Readable, file: string, signal: AbortSignal | undefined): Promise<string> {
  const part = `${file}.part`;
  try {
    await pipeline(body, createWriteStream(part), { ...(signal && { signal }) });
    await rename(part, file);
  } catch (error) {
    await rm(part, { force: true }).catch(() => {});
    const { message, code, syscall } = error as NodeJS.ErrnoException;
    if (message === 'terminated') throw new Error(`${file}: the server ended the export too early`);
    throw code !== undefined && syscall !== undefined ? new Error(`--to ${file}: ${pathProblem(error, 'write')}`) : error;
  }
  return file;
}
