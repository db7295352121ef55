import { startApp, type TestApp } from '~/test/support/app';
import { ownFolder } from '~/test/support/folder';

export let app: TestApp;
export const folder = ownFolder();

/** Before all tests of a file. */
export async function begin(): Promise<void> {
  app = await startApp({ dataFolder: folder.path, loginRequired: true });
}

export async function restart(): Promise<void> {
  await app.close();
  await begin();
}

/** After all. */
export async function end(): Promise<void> {
  await app.close();
  folder.remove();
}

export interface Answer {
  status: number;
  body: Record<string, unknown>;
}

export async function post(where: string, body: unknown, headers: Record<string, string> = {}): Promise<Answer> {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  const authorization = `Bearer ${app.trainerToken}`;
  const response = await fetch(app.url + where, { method: 'POST', body: text, headers: { authorization, ...headers } });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}

export async function opened(key: string, more: object = {}): Promise<string> {
  const { body } = await post('/api/runs', { key, ...more });
  return body.runId as string;
}

/** [step, value] of a series. */
export async function rowsOf(runId: string, series: string): Promise<[number, number][]> {
  const { steps, values } = await app.hub.store.rows({ runId, stream: series, fromStep: -1e9, toStep: null, limit: 1000 });
  return [...steps].map((step, i) => [step, values[i]!]);
}

/** What went into the log after the run was created, without times and blobs. */
export async function log(runId: string, ...types: string[]): Promise<unknown[]> {
  const entries = await app.hub.store.entries({ runId, fromSeq: 1, limit: 1000, types: null });
  return entries.flatMap(({ event }) => (types.includes(event.type) ? [event] : []));
}

export const fresh = { ok: true, repeated: false, stop: false, commands: [], status: 'running' };
