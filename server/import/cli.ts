import { randomBytes } from 'node:crypto';
import { constants, createReadStream } from 'node:fs';
import { access, readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { Readable } from 'node:stream';
import { setTimeout as pause } from 'node:timers/promises';
import { openServer, ServerError } from '~/server/base/askServer';
import { readArguments, standardTerminal, type Terminal } from '~/server/base/terminal';
import type { ImportChoices, ImportPlan, ImportResult, PlannedRun } from '~/shared/imports';
import { answerOfJob, JOB_WAIT_S, type JobState } from '~/shared/jobs';
import { pathProblem } from '~/shared/pathProblem';
import type { GivenFile } from './sources';

export const usage = `headroom import PATH... [flags]

Makes runs of files and folders: .headroom, TensorBoard event files, CSV, JSON, MLflow's folder; gzip and zip too.

  --plan            say what would come, and write nothing
  --axis COLUMN     the column that counts the steps; "row" counts the rows
  --project NAME    project of the runs
  --copy            a .headroom file whose run is there already comes in under a new id
  --json            the answer as JSON
  --server URL      default: HEADROOM_SERVER, or http://127.0.0.1:3000
  --token TOKEN     default: HEADROOM_TOKEN; needed unless the server runs on this machine without a login`;

/**
 * Imports what the arguments name into a running server. @returns the exit code: 0, 1 when some file or run could not be
 * imported, 2 for wrong arguments
 */
export async function main(argv: readonly string[], terminal: Terminal = standardTerminal()): Promise<number> {
  const { out, err } = terminal;
  const read = readArguments(argv, options, usage, terminal);
  if (typeof read === 'number') return read;
  const { values, positionals } = read;
  const choices: ImportChoices = {
    ...(values.axis && { axis: values.axis }),
    ...(values.project && { project: values.project }),
  };
  try {
    const server = connectTo(openServer({ url: values.server, token: values.token, signal: terminal.signal }));
    const files = await filesIn(positionals);
    const { id } = await server.open(terminal.signal);
    try {
      for (const [i, file] of files.entries()) {
        progress(terminal, `sending ${i + 1} of ${files.length}: ${file.name}`);
        await server.send(`/api/imports/${id}/files?path=${encodeURIComponent(file.name)}`, file);
      }
      const plan = await server.follow<ImportPlan>(terminal, `/api/imports/${id}/plan`, choices);
      if (values.plan) {
        out(values.json ? JSON.stringify(plan, null, 2) : planText(plan));
        return plan.runs.some((run) => run.error !== null) ? 1 : 0;
      }
      const wanted = plan.runs.map(({ key }) => ({
        key,
        ...(values.axis && { axis: values.axis }),
        ...(values.copy && { asCopy: true }),
      }));
      if (wanted.length === 0)
        throw new ServerError(`there is nothing to import${plan.leftOut.length > 0 ? `: ${plan.leftOut.join('; ')}` : ''}`);
      const result = await server.follow<ImportResult>(terminal, `/api/imports/${id}/runs`, { ...choices, runs: wanted });
      progress(terminal, '');
      out(values.json ? JSON.stringify(result, null, 2) : resultText(result, server.url));
      return result.runs.some((run) => run.error !== null) ? 1 : 0;
    } finally {
      // Also after Ctrl+C: otherwise the files stay on the server for an hour.
      await server.discard(id).catch(() => {});
    }
  } catch (error) {
    progress(terminal, '');
    if (!(error instanceof ServerError) && (error as Error).name !== 'AbortError') throw error;
    err(error instanceof ServerError ? error.message : 'canceled: runs that were written whole stay');
    return 1;
  }
}

const options = {
  plan: { type: 'boolean' },
  json: { type: 'boolean' },
  copy: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
  axis: { type: 'string' },
  project: { type: 'string' },
  server: { type: 'string' },
  token: { type: 'string' },
} as const;

/** Files, and files inside folders, named from the given folder. @throws ServerError when there is none, or one cannot be read */
async function filesIn(given: readonly string[]): Promise<GivenFile[]> {
  const files: GivenFile[] = [];
  const paths = [...new Set(given.map((file) => path.resolve(file)))];
  for (const from of paths)
    try {
      const found = await stat(from);
      const name = nameFor(from, paths);
      if (!found.isDirectory()) {
        if (!found.isFile()) throw new ServerError(`${from}: it is neither a file nor a folder; write what it gives into a file`);
        await access(from, constants.R_OK);
        files.push({ path: from, name });
        continue;
      }
      for (const entry of await readdir(from, { recursive: true, withFileTypes: true })) {
        const full = path.join(entry.parentPath, entry.name);
        if (entry.name === 'headroom.db')
          throw new ServerError(
            `${entry.parentPath}: it is the data folder of a server: start one on it (HEADROOM_DATA), and import what it exports as .headroom`,
          );
        const within = path.relative(from, full).split(path.sep);
        if (!entry.isFile() || within.some((part) => part.startsWith('.'))) continue;
        await access(full, constants.R_OK);
        files.push({ path: full, name: [name, ...within].join('/') });
      }
    } catch (error) {
      const { code, path: where = from } = error as NodeJS.ErrnoException;
      if (code === undefined) throw error;
      throw new ServerError(`${where}: ${pathProblem(error, 'read')}`);
    }
  if (files.length === 0) throw new ServerError(`${paths.join(', ')}: there is no file in it; give a folder that holds some`);
  return files;
}

/** The last part of a path, after as many folders as tell it from the other ones; an event file always with its folder, which is its run. */
function nameFor(from: string, paths: readonly string[]): string {
  const parts = from.split(path.sep);
  for (let count = path.basename(from).includes('tfevents') ? 2 : 1; ; count++) {
    const name = parts.slice(-count).join('/');
    if (
      count > parts.length ||
      paths.every((other) => other === from || !`/${other.split(path.sep).join('/')}`.endsWith(`/${name}`))
    )
      return name.replace(/^\//, '') || 'folder';
  }
}

function connectTo({ url, send, checked, request }: ReturnType<typeof openServer>) {
  return {
    url,
    /** A Ctrl+C waits for the answer a little: without the id nobody could discard the import. */
    async open(signal: AbortSignal | undefined): Promise<{ id: string }> {
      const late = new AbortController();
      const abort = () => void setTimeout(() => late.abort(signal?.reason), 2_000).unref();
      signal?.addEventListener('abort', abort, { once: true });
      const answer = await request('/api/imports', { method: 'POST', signal: late.signal });
      signal?.removeEventListener('abort', abort);
      return answer.json() as Promise<{ id: string }>;
    },
    discard: (id: string) => request(`/api/imports/${id}`, { method: 'DELETE', signal: AbortSignal.timeout(5000) }),
    async send(address: string, { path: file }: GivenFile): Promise<void> {
      const body = Readable.toWeb(createReadStream(file)) as ReadableStream;
      const { size } = await stat(file);
      const headers = { 'content-type': 'application/octet-stream', 'content-length': String(size) };
      await request(address, { method: 'PUT', body, headers, duplex: 'half' } as RequestInit);
    },
    /** Sends a request for a long job, and shows its progress. */
    async follow<T>(terminal: Terminal, address: string, body: unknown): Promise<T> {
      const job = randomBytes(12).toString('hex');
      const json = { method: 'POST', body: JSON.stringify(body), headers: { 'content-type': 'application/json' } };
      const answer = answerOfJob(
        () => send(`${address}?job=${job}&wait=${JOB_WAIT_S}`, json),
        () => pause(1000),
      ).then(async (done) => (await checked(done)).json() as Promise<T>);
      let over = false;
      const end = () => {
        over = true;
      };
      answer.then(end, end);
      while (!over) {
        await Promise.race([pause(300), answer.catch(() => {})]);
        if (over) break;
        const input = encodeURIComponent(JSON.stringify({ id: job }));
        const at = await request(`/api/trpc/jobs.get?input=${input}`)
          .then(async (state) => ((await state.json()) as { result: { data: JobState | null } }).result.data)
          .catch(() => null);
        if (at)
          progress(terminal, `${at.doing}${at.total > 0 ? ` ${Math.min(100, Math.floor((100 * at.done) / at.total))} %` : ''}`);
      }
      return answer;
    },
  };
}

/** A line that the next one overwrites; nothing when the output is no terminal. */
function progress({ err }: Terminal, text: string): void {
  if (process.stderr.isTTY) err(`\r\u001b[K${text.slice(0, 100)}\u0000`);
}

const date = (ms: number): string => new Date(ms).toISOString().slice(0, 19).replace('T', ' ');

function planText({ runs, leftOut }: ImportPlan): string {
  return [...runs.map(runText), ...leftOut.map((words) => `left out: ${words}`)].join('\n');
}

function runText(run: PlannedRun): string {
  const lines = [`${run.name} (${run.format})`];
  if (run.error !== null) lines.push(`  cannot be imported: ${run.error}`);
  else {
    lines.push(`  ${run.series.count} series, ${run.rows} rows, ${run.values} values`);
    if (run.steps) lines.push(`  steps ${run.steps.first} to ${run.steps.last}${run.axis ? `, counted by "${run.axis}"` : ''}`);
    if (run.times) lines.push(`  ${date(run.times.first)} to ${date(run.times.last)} UTC`);
    const media = Object.entries(run.media).map(([kind, count]) => `${kind}: ${count}`);
    if (media.length > 0) lines.push(`  samples: ${media.join(', ')}`);
    if (run.settings > 0) lines.push(`  settings: ${run.settings}`);
    if (run.here) lines.push(`  ${run.here}: --copy brings it in under a new id`);
  }
  for (const words of run.notes) lines.push(`  note: ${words}`);
  for (const words of run.leftOut) lines.push(`  left out: ${words}`);
  return lines.join('\n');
}

function resultText({ runs, leftOut }: ImportResult, url: string): string {
  return [
    ...runs.map(({ name, runId, error, leftOut: words }) =>
      runId === null
        ? `${name}: not imported: ${error}`
        : `${name}: ${url}/runs/${runId}${words ? `\n  left out or assumed: ${words}` : ''}`,
    ),
    ...leftOut.map((words) => `left out: ${words}`),
  ].join('\n');
}
