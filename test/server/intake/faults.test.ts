/** A server that is killed at random moments while programs log: what was answered is there, and nothing is there twice. */
import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import path from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { startApp } from '~/test/support/app';
import { ownFolder } from '~/test/support/folder';
import { root } from '~/test/support/root';

const folder = ownFolder();
let server: ChildProcess | null = null;
afterAll(() => {
  server?.kill('SIGKILL');
  folder.remove();
});

const freePort = () =>
  new Promise<number>((resolve) => {
    const probe = createServer().listen(0, '127.0.0.1', () => {
      const { port } = probe.address() as { port: number };
      probe.close(() => resolve(port));
    });
  });

async function started(port: number): Promise<void> {
  const child = spawn(process.execPath, ['--import', 'tsx', 'test/python/server.ts', folder.path, String(port)], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  server = child;
  await new Promise((resolve) => child.stdout!.once('data', resolve));
}

async function killed(): Promise<void> {
  const child = server!;
  const gone = new Promise((resolve) => child.once('close', resolve));
  child.kill('SIGKILL');
  await gone;
}

/** The same every time: a failure can be repeated. */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 1_103_515_245 + 12_345) % 2 ** 31;
    return state / 2 ** 31;
  };
}

it('no row, sample or value is lost or doubled over 4 kills of the server, over HTTP and as MLflow logs', {
  timeout: 240_000,
}, async () => {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  await started(port);
  const token = readFileSync(path.join(folder.path, 'trainer.token'), 'utf8').trim();

  /** Sends until there is an answer, as a careful script and mlflow's client do. */
  async function sent(where: string, body: unknown, id?: string): Promise<Record<string, unknown>> {
    const headers = { authorization: `Bearer ${token}`, ...(id !== undefined && { 'idempotency-key': id }) };
    for (;;) {
      try {
        const response = await fetch(url + where, { method: 'POST', headers, body: JSON.stringify(body) });
        const answer = (await response.json()) as Record<string, unknown>;
        if (response.status >= 500) continue;
        expect([answer, response.status]).toEqual([answer, 200]);
        return answer;
      } catch (error) {
        if (!(error instanceof TypeError || error instanceof SyntaxError)) throw error;
        await new Promise((resolve) => setImmediate(resolve));
      }
    }
  }

  const { runId } = (await sent('/api/runs', { key: 'killed-often' }, 'open')) as { runId: string };
  const made = await sent('/api/2.0/mlflow/runs/create', { experiment_id: '0', tags: [] });
  const mlflowRun = (made.run as { info: { run_id: string } }).info.run_id;
  const count = 200;
  let logged = 0;
  const over = (async () => {
    for (let i = 0; i < count; i++, logged++) {
      await sent(
        '/api/runs/killed-often/log',
        [
          { step: 2 * i, values: { loss: i } },
          { step: 2 * i + 1, values: { loss: -i - 1, [`only ${i % 7}`]: i } },
        ],
        `rows-${i}`,
      );
      if (i % 10 === 0) await sent('/api/runs/killed-often/text', { name: 'story', text: `part ${i}` }, `text-${i}`);
      await sent('/api/2.0/mlflow/runs/log-metric', { run_id: mlflowRun, key: 'acc', value: i, timestamp: 1000 + i, step: 0 });
    }
  })();
  const next = random(20_261_127);
  for (let kill = 1; kill <= 4; kill++) {
    const at = kill * 40 + Math.floor(next() * 10);
    while (logged < at) await new Promise((resolve) => setImmediate(resolve));
    await killed();
    await started(port);
  }
  await over;
  await killed();

  const app = await startApp({ dataFolder: folder.path });
  const rows = async (run: string, stream: string) => {
    const { steps, values } = await app.hub.store.rows({ runId: run, stream, fromStep: -1, toStep: null, limit: 10_000 });
    return [...steps].map((step, i) => [step, values[i]]);
  };
  const all = Array.from({ length: count }, (_, i) => i);
  expect(await rows(runId, 'loss')).toEqual(
    all.flatMap((i) => [
      [2 * i, i],
      [2 * i + 1, -i - 1],
    ]),
  );
  expect(await rows(runId, 'only 3')).toEqual(all.filter((i) => i % 7 === 3).map((i) => [2 * i + 1, i]));
  expect(await rows(mlflowRun, 'acc')).toEqual(all.map((i) => [i, i]));
  const texts = await app.hub.store.list({ runId, kind: 'media', limit: 1000 } as never);
  expect((texts as unknown as { text: string }[]).map((t) => t.text)).toEqual(
    all.filter((i) => i % 10 === 0).map((i) => `part ${i}`),
  );
  await app.close();
});
