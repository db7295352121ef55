/** Big exports and imports over real HTTP: followed, canceled, cut off; nothing of them stays. */

import { randomBytes } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { Agent, request as httpRequest } from 'node:http';
import path from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Jobs } from '~/server/base/jobs';
import { exportRoutes } from '~/server/export/routes';
import { connect } from '~/server/mcp/client';
import { openBlobs } from '~/server/store/blobs';
import { openSqliteStore } from '~/server/store/sqlite/open';
import { appRouter } from '~/server/trpc';
import type { RunEvent } from '~/shared/events';
import type { Actor } from '~/shared/ids';
import type { JobState } from '~/shared/jobs';
import { summarize } from '~/shared/summary';
import { startApp, type TestApp } from '~/test/support/app';
import { ownFolder } from '~/test/support/folder';
import { openMemoryStore } from '~/test/support/memoryStore';
import { serveRoutes } from '~/test/support/routeServer';
import { publishedSetup } from '~/test/support/setups';
import { ada, writer } from '~/test/support/storeEntries';
import { blobOf, refOf, runStarted, series, startValues } from '~/test/support/synthetic';
import { foldAll } from '~/test/support/views';

const folder = ownFolder();
afterAll(folder.remove);
const inside = (name: string) => path.join(folder.path, name);

const steps = 300_000;
const setup = publishedSetup('reverse', {}, { name: 'Big run' });

/** 300,000 steps x 9 series, and 6 checkpoints of 4 MB that do not compress. */
async function recordBigRun(data: string): Promise<void> {
  const store = await openSqliteStore(data);
  const blobs = await openBlobs(data, store);
  const run = writer(store, 'bigrun01');
  const trainer = { id: 'trainer01', name: 'local', host: 'h' };
  await run.append([{ type: 'run.created', setup, actor: ada, parent: null }]);
  await run.append([{ type: 'run.assigned', attempt: 1, trainer, fromStep: 0, checkpoint: null }]);
  await run.append([runStarted(0, startValues(setup))]);
  const batch = 10_000;
  for (let first = 0; first < steps; first += batch) {
    const values = new Float64Array(batch * series.length);
    for (let i = 0; i < values.length; i++) values[i] = Math.sin(first + i);
    const events: RunEvent[] = [{ type: 'rows', stream: 'steps', steps: { first, count: batch }, values }];
    if ((first / batch) % 5 === 0) {
      const blob = blobOf(randomBytes(4 << 20));
      await blobs.put(blob.hash, blob.bytes);
      events.push({
        type: 'checkpoint',
        step: first + batch,
        blob: refOf(blob),
        trigger: 'cadence',
        commandId: null,
        lastCommandSeq: 0,
      } as RunEvent);
    }
    await run.append(events);
  }
  await run.append([{ type: 'status', status: 'finished', step: steps, message: 'done' }]);
  await store.close();
}

let source: TestApp;
let target: TestApp;
let file: Buffer;
beforeAll(async () => {
  await recordBigRun(inside('from'));
  source = await startApp({ dataFolder: inside('from') });
  target = await startApp({ dataFolder: inside('to') });
  file = Buffer.from(await (await fetch(`${source.url}/api/runs/bigrun01/export?format=headroom`)).arrayBuffer());
});
afterAll(async () => {
  await source?.close();
  await target?.close();
});

const job = async (app: TestApp, id: string): Promise<JobState | null> => {
  const input = encodeURIComponent(JSON.stringify({ id }));
  const answer = (await (await fetch(`${app.url}/api/trpc/jobs.get?input=${input}`)).json()) as {
    result: { data: JobState | null };
  };
  return answer.result.data;
};
const until = (app: TestApp, id: string, check: (state: JobState | null) => boolean) =>
  expect.poll(async () => check(await job(app, id)), { interval: 5, timeout: 30_000 }).toBe(true);
const cancel = (app: TestApp, id: string) =>
  fetch(`${app.url}/api/trpc/jobs.cancel`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ id }),
  });

/** Every file of a data folder but the database's own, and what the database holds. */
async function everything(app: TestApp) {
  const files = readdirSync(app.dataFolder, { recursive: true, withFileTypes: true })
    .filter((f) => f.isFile() && !f.name.startsWith('headroom.'))
    .map((f) => [path.join(f.parentPath, f.name), readFileSync(path.join(f.parentPath, f.name)).length]);
  return {
    files: files.sort(),
    runs: app.hub.summaries().map((s) => s.runId),
    log: await app.hub.store.entries({ runId: 'bigrun01', fromSeq: 1, limit: 3, types: null }),
  };
}

/** Sends the file as a browser would, in the hand of the test. */
function upload(app: TestApp, id: string) {
  const sent = httpRequest(`${app.url}/api/import?name=big.headroom&job=${id}`, {
    method: 'POST',
    headers: { 'content-length': file.length },
    agent: new Agent(),
  });
  const answer = new Promise<{ status: number; body: unknown } | null>((resolve) => {
    sent.on('response', async (response) => {
      const parts: Buffer[] = [];
      for await (const part of response) parts.push(part as Buffer);
      resolve({ status: response.statusCode!, body: JSON.parse(Buffer.concat(parts).toString()) });
    });
    sent.on('error', () => resolve(null));
  });
  return { sent, answer };
}

describe('an import', () => {
  const nothingLeft = async (before: Awaited<ReturnType<typeof everything>>) => {
    await expect.poll(() => everything(target), { timeout: 20_000 }).toEqual(before);
    expect(await target.hub.store.range({ runId: 'bigrun01', series: null, fromStep: 0, toStep: null, buckets: 10 })).toEqual({
      headStep: 0,
      series: [],
    });
    expect(target.trouble).toEqual([]);
  };

  it('whose connection breaks while the file is sent leaves nothing', async () => {
    const before = await everything(target);
    const { sent, answer } = upload(target, 'upload-cut');
    sent.write(file.subarray(0, file.length / 2));
    await until(target, 'upload-cut', (s) => s?.doing === 'sending the file' && s.done > 0 && s.total === file.length);
    sent.destroy();
    expect(await answer).toBe(null);
    await until(target, 'upload-cut', (s) => s?.status === 'canceled');
    await nothingLeft(before);
  });

  it.each(['checking the file', 'writing the run'])(
    'whose connection breaks while the server is %s leaves nothing',
    async (doing) => {
      const before = await everything(target);
      const id = `cut-${doing.slice(0, 7)}`;
      const { sent } = upload(target, id);
      sent.end(file);
      await until(target, id, (s) => s?.doing === doing && s.done > 0);
      sent.destroy();
      await until(target, id, (s) => s?.status === 'canceled');
      await nothingLeft(before);
    },
  );

  it('that is canceled says so to whoever waits, and leaves nothing', async () => {
    const before = await everything(target);
    const { sent, answer } = upload(target, 'canceled-1');
    sent.end(file);
    await until(target, 'canceled-1', (s) => s?.doing === 'writing the run' && s.done > s.total / 3);
    await cancel(target, 'canceled-1');
    expect(await answer).toEqual({ status: 409, body: { error: 'canceled: nothing was imported' } });
    await nothingLeft(before);
  });

  it('runs in a thread: the server goes on answering, and all of it is there afterwards', async () => {
    const delay = monitorEventLoopDelay({ resolution: 5 });
    const { sent, answer } = upload(target, 'whole-file');
    sent.end(file);
    await until(target, 'whole-file', (s) => s?.doing === 'checking the file');
    delay.enable();
    expect(await answer).toEqual({ status: 201, body: { runId: 'bigrun01', leftOut: null } });
    delay.disable();
    // Checking and writing take seconds; on a busy machine a turn of the loop may wait for a core.
    expect(delay.percentile(90) / 1e6).toBeLessThan(100);
    expect(await job(target, 'whole-file')).toMatchObject({ kind: 'import', what: 'big.headroom', status: 'done', message: '' });
    expect(await target.hub.view('bigrun01')).toEqual(await source.hub.view('bigrun01'));
  });
});

describe('an export', () => {
  it('tells how far it is, and ends when it is canceled', async () => {
    const response = await fetch(`${source.url}/api/runs/bigrun01/export?format=csv&job=export-01`);
    const reader = response.body!.getReader();
    await reader.read();
    await until(
      source,
      'export-01',
      (s) => s?.doing === 'reading the rows' && s.done > 0 && s.total === steps && s.unit === 'rows',
    );
    await cancel(source, 'export-01');
    await expect(
      (async () => {
        while (!(await reader.read()).done);
      })(),
    ).rejects.toThrow();
    expect(await job(source, 'export-01')).toMatchObject({ kind: 'export', what: 'bigrun01 as csv', status: 'canceled' });
  });

  it('whose reader goes away ends', async () => {
    const response = await fetch(`${source.url}/api/runs/bigrun01/export?format=json&job=export-02`);
    const reader = response.body!.getReader();
    await reader.read();
    await reader.cancel();
    await until(source, 'export-02', (s) => s?.status === 'canceled');
    expect(source.trouble).toEqual([]);
  });

  it('waits for two others of the same person, and for nobody else’s', async () => {
    const { secret } = await connect({ url: source.url }).team.makeToken.mutate({
      ...{ name: 'another', scope: 'viewer', expiresInMs: null },
    });
    const begin = (id: string, headers = {}) => fetch(`${source.url}/api/runs/bigrun01/export?format=csv&job=${id}`, { headers });
    const slow = [await begin('slow-export-1'), await begin('slow-export-2')];
    const third = begin('waits-export');
    await until(source, 'waits-export', (s) => s?.doing === 'waiting for 2 other exports of yours');
    expect((await fetch(`${source.url}/api/runs/bigrun01/export?format=nonsense`)).status).toBe(400);
    const other = await begin('other-export', { authorization: `Bearer ${secret}` });
    expect(other.status).toBe(200);
    await other.body!.cancel();
    await slow[0]!.body!.cancel();
    expect((await third).status).toBe(200);
    await (await third).body!.cancel();
    await slow[1]!.body!.cancel();
    await until(source, 'waits-export', (s) => s?.status === 'canceled');
    expect(source.trouble).toEqual([]);
  });

  it('that was refused says why also to whoever follows it', async () => {
    const answer = await fetch(`${source.url}/api/runs/bigrun01/export?format=npy&step=3&job=export-03`);
    expect(answer.status).toBe(400);
    expect(await job(source, 'export-03')).toMatchObject({
      status: 'failed',
      message: expect.stringMatching(/^step: run bigrun01 has no snapshot/),
    });
    expect(await (await fetch(`${source.url}/api/runs/bigrun01/export?format=csv&job=export-03`)).json()).toEqual({
      error: 'job: there is a job export-03 already',
    });
    expect(await (await fetch(`${source.url}/api/runs/bigrun01/export?format=csv&job=x`)).json()).toEqual({
      error: 'job: 8 to 64 letters, digits, "-" or "_" are needed',
    });
  });
});

describe('jobs', () => {
  const person = (id: string, role: Actor['role']): Actor => ({ id, name: id, role });

  it('are seen and canceled by whoever began them, and by admins', async () => {
    const jobs = new Jobs();
    const begun = jobs.begin(person('olga', 'operator'), { id: 'job-00001', kind: 'export', what: 'a run as csv' })!;
    const as = (actor: Actor) => appRouter.createCaller({ actor, jobs } as never).jobs;
    expect(await as(person('oleg', 'operator')).get({ id: 'job-00001' })).toBe(null);
    expect(await as(person('oleg', 'operator')).cancel({ id: 'job-00001' })).toBe(null);
    expect(begun.signal.aborted).toBe(false);
    expect((await as(person('olga', 'viewer')).get({ id: 'job-00001' }))?.status).toBe('running');
    expect((await as(person('ada', 'admin')).cancel({ id: 'job-00001' }))?.status).toBe('canceled');
    expect(begun.signal.aborted).toBe(true);
    begun.end('done');
    expect(jobs.get(person('olga', 'operator'), 'job-00001')?.status).toBe('canceled');
  });
});

describe('an export that the server itself fails in the middle of', () => {
  it('breaks the connection, is told as failed, and its reason goes to the log', async () => {
    const store = openMemoryStore();
    const run = writer(store, 'broken01');
    await run.append([{ type: 'run.created', setup, actor: ada, parent: null }]);
    await store.saveView(foldAll('broken01', run.log), summarize(foldAll('broken01', run.log), 0));
    const blobs = await openBlobs(inside('broken'), store);
    const jobs = new Jobs();
    // The view and the rows are written before the log is read.
    const failing = {
      ...store,
      entries: async () => {
        throw new Error('the disk cannot be read');
      },
    };
    const deps = {
      store: failing,
      blobs,
      jobs,
      dataFolder: inside('broken'),
      threaded: false,
      now: () => 1,
      adopt: async () => {},
      imported: async () => {},
      view: (id: string) => store.view(id),
    };
    const server = await serveRoutes(exportRoutes(deps), ada);
    const answer = await fetch(`${server.url}/api/runs/broken01/export?format=json&job=broken-01`);
    expect(answer.status).toBe(200);
    await expect(answer.text()).rejects.toThrow();
    await expect.poll(() => jobs.get(ada, 'broken-01')?.status).toBe('failed');
    expect([jobs.get(ada, 'broken-01')?.message, server.errors]).toEqual([
      'the server could not do it; its log says why',
      ['the disk cannot be read'],
    ]);
    await server.close();
  });
});
