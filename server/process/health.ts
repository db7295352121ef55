import { statSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { setTimeout } from 'node:timers/promises';
import type { Clock } from '~/server/base/clock';
import { sendJson } from '~/server/base/respond';
import type { Route } from '~/server/base/route';
import { databaseFile } from '~/server/store/sqlite/schema';

/** With less free space, commits may begin to fail at any time. */
const leastFreeBytes = 256 * 2 ** 20;
const withinMs = 2_000;
const lookEveryMs = 2_000;

/** Each check resolves to a message that says why the server cannot work, or throws it; any other value: it can. */
export type Checks = Record<string, () => Promise<unknown>>;

export const diskCheck =
  (folder: string, least = leastFreeBytes) =>
  async (): Promise<string | null> => {
    const { bavail, bsize } = await statfs(folder);
    const free = bavail * bsize;
    if (free >= least) return null;
    return `${folder} has ${Math.round(free / 2 ** 20)} MB left, at least ${Math.round(least / 2 ** 20)} MB are needed; make room, or move the folder`;
  };

/** Checks that the database which is open is the one in the folder. To be called when it is open. */
export function databaseCheck(folder: string): () => Promise<string | null> {
  const file = databaseFile(folder);
  const inode = () => statSync(file, { throwIfNoEntry: false })?.ino;
  const opened = inode();
  return async () =>
    inode() === opened
      ? null
      : `${file} was deleted or replaced: what is written now is lost when the server ends; end it, put the folder in its place, and start it again`;
}

/** What fails now, by the name of its check. */
async function problemsOf(checks: Checks): Promise<Record<string, string>> {
  const found = await Promise.all(Object.entries(checks).map(async ([name, check]) => [name, await reasonOf(check)] as const));
  return Object.fromEntries(found.flatMap(([name, reason]) => (reason === null ? [] : [[name, reason]])));
}

async function reasonOf(check: Checks[string]): Promise<string | null> {
  const late = new AbortController();
  try {
    const slow = setTimeout(withinMs, `no answer within ${withinMs / 1000} s`, { signal: late.signal, ref: false });
    const found = await Promise.race([check(), slow]);
    return typeof found === 'string' ? found : null;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  } finally {
    late.abort();
  }
}

/** Looks at the checks again and again, while somebody is there to be told: people see on the page what /readyz says. */
export function followChecks(
  checks: Checks,
  clock: Clock,
  wanted: () => boolean,
): { readonly problem: string | null; close(): void } {
  let problem: string | null = null;
  let closed = false;
  let cancel = () => {};
  const look = async () => {
    const found = wanted() ? Object.entries(await problemsOf(checks)) : [];
    problem = found.length === 0 ? null : found.map(([name, reason]) => `${name}: ${reason}`).join('; ');
    if (!closed) again();
  };
  const again = () => {
    cancel = clock.after(lookEveryMs, () => void look());
  };
  again();
  return {
    get problem() {
      return problem;
    },
    close() {
      closed = true;
      cancel();
    },
  };
}

/**
 * /healthz: the process is alive. /readyz: the server can work; otherwise 503 with the failed checks.
 *
 * @param about more fields for the answer of /readyz
 */
export function healthRoutes(version: string, checks: Checks, about: () => object = () => ({})): Route[] {
  return [
    { method: 'GET', path: '/healthz', for: 'anybody', handle: ({ response }) => sendJson(response, 200, { ok: true, version }) },
    {
      method: 'GET',
      path: '/readyz',
      for: 'anybody',
      async handle({ response }) {
        const problems = await problemsOf(checks);
        const ok = Object.keys(problems).length === 0;
        sendJson(response, ok ? 200 : 503, { ok, problems, ...about() });
      },
    },
  ];
}
