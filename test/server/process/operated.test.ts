/** What whoever operates the server looks at: /healthz, /readyz, /metrics, the log; and how long its end may take. */
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { connect } from 'node:net';
import path from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import type { AppOptions } from '~/server/process/app';
import { diskCheck } from '~/server/process/health';
import { openForReading } from '~/server/store/sqlite/schema';
import { startApp, type TestApp } from '~/test/support/app';
import { ownFolder } from '~/test/support/folder';
import { openMemoryStore } from '~/test/support/memoryStore';
import { publishedSetup } from '~/test/support/setups';
import { runStarted, startValues, steps } from '~/test/support/synthetic';
import { TrainerClient } from '~/test/support/trainerClient';
import { TestViewer } from '~/test/support/viewer';

const you = { id: 'local', name: 'You', role: 'admin' } as const;
let app: TestApp | null = null;
const start = async (changes: Partial<AppOptions> = {}) => {
  app = await startApp({ store: openMemoryStore(), ...changes });
  return app;
};
afterEach(async () => {
  await app?.close();
  app = null;
});
const ready = async ({ url }: TestApp) => {
  const answer = await fetch(`${url}/readyz`);
  return { status: answer.status, body: await answer.json() };
};

describe('/readyz', () => {
  it('is 200 while the server can do its work', async () => {
    expect(await ready(await start())).toEqual({ status: 200, body: { ok: true, problems: {}, login: false } });
  });

  it('is 503 with the reason when the database cannot be written, while /healthz says that the process lives', async () => {
    const store = openMemoryStore();
    const check = async () => {
      throw new Error('database or disk is full');
    };
    const { url } = await start({ store: { ...store, check } });
    expect(await ready(app!)).toEqual({
      status: 503,
      body: { ok: false, problems: { store: 'database or disk is full' }, login: false },
    });
    expect((await fetch(`${url}/healthz`)).status).toBe(200);
  });

  it('is 503 when a thread of the store does not answer', async () => {
    await start({ store: { ...openMemoryStore(), check: () => new Promise(() => {}) } });
    expect(await ready(app!)).toEqual({
      status: 503,
      body: { ok: false, problems: { store: 'no answer within 2 s' }, login: false },
    });
  });

  it('is what those who watch are told, and that it has ended', async () => {
    let why: string | null = null;
    const check = async () => {
      if (why !== null) throw new Error(why);
    };
    const { url } = await start({ store: { ...openMemoryStore(), check } });
    const viewer = await TestViewer.connect(url);
    const told = (problem: string | null) =>
      new Promise<void>((resolve) => viewer.socket.on('time', (time) => time.problem === problem && resolve()));
    await told(null);
    why = 'database or disk is full';
    await told('store: database or disk is full');
    why = null;
    await told(null);
    viewer.close();
  });

  it('asks the threads of the SQLite store, and writes: a disk that became read-only is noticed', async () => {
    const folder = ownFolder();
    await start({ store: undefined, dataFolder: folder.path });
    const db = openForReading(folder.path);
    // Changes with each commit of another connection.
    const before = db.pragma('data_version', { simple: true });
    expect(await ready(app!)).toEqual({ status: 200, body: { ok: true, problems: {}, login: false } });
    expect(db.pragma('data_version', { simple: true })).not.toBe(before);
    db.close();
    await app!.close();
    app = null;
    folder.remove();
  });

  it('says that the data folder was deleted: what is written then is lost', async () => {
    app = await startApp();
    expect((await ready(app)).status).toBe(200);
    const file = path.join(app.dataFolder, 'headroom.db');
    rmSync(file);
    const gone = `${file} was deleted or replaced: what is written now is lost when the server ends; end it, put the folder in its place, and start it again`;
    expect(await ready(app)).toEqual({ status: 503, body: { ok: false, problems: { database: gone }, login: false } });
  });

  it('says how little room the disk has', async () => {
    const folder = ownFolder();
    expect(await diskCheck(folder.path, 1)()).toBeNull();
    expect(await diskCheck(folder.path, 2 ** 60)()).toMatch(
      / MB left, at least 1099511627776 MB are needed; make room, or move the folder$/,
    );
    folder.remove();
  });
});

describe('/metrics', () => {
  it('counts viewers, frames without an answer, trainers and what they keep, runs, the queue and commits', async () => {
    const { url, address, hub } = await start();
    const trainer = await TrainerClient.connect(address);
    const { runId } = await hub.create(you, publishedSetup('reverse'));
    await hub.create(you, publishedSetup('reverse'));
    trainer.ready();
    await trainer.assigned();
    trainer.socket.emit('heartbeat', { spoolBytes: 4096 });
    const viewer = await TestViewer.connect(url);
    await viewer.watch(runId);
    const values = startValues(publishedSetup('reverse'));
    await trainer.send(runStarted(0, values), { type: 'status', status: 'running', step: 0, message: 'go' }, steps(0, 3, values));
    await viewer.until((view) => view.step === 3);
    const text = await (await fetch(`${url}/metrics`)).text();
    const value = (name: string) => Number(new RegExp(`^${name.replaceAll(/[{}"]/g, '\\$&')} (.*)$`, 'm').exec(text)?.[1]);
    expect({
      viewers: value('headroom_viewers'),
      watching: value('headroom_watching'),
      trainers: value('headroom_trainers'),
      spool: value('headroom_spool_bytes'),
      running: value('headroom_runs{status="running"}'),
      queue: value('headroom_queue'),
      questions: value('headroom_questions'),
    }).toEqual({ viewers: 1, watching: 1, trainers: 1, spool: 4096, running: 1, queue: 1, questions: 0 });
    expect(value('headroom_commit_seconds_count')).toBeGreaterThan(2);
    expect(value('headroom_frames_unanswered')).toBeLessThanOrEqual(2);
    expect(value('headroom_loop_delay_seconds{quantile="0.99"}')).toBeGreaterThanOrEqual(0);
    expect(value('process_resident_memory_bytes')).toBeGreaterThan(0);
    viewer.close();
    trainer.close();
  });

  it('are for people who may watch runs, and for tokens', async () => {
    const { url } = await start({ loginRequired: true });
    expect((await fetch(`${url}/metrics`)).status).toBe(401);
  });
});

describe('the log', () => {
  it('has the ids of connection, trainer, run and attempt for each registration and assignment', async () => {
    const lines: Record<string, unknown>[] = [];
    const note = (details: object, message: string) => void lines.push({ ...details, message });
    const { address, hub } = await start({ log: { info: note, warn: note, error: note } });
    const trainer = await TrainerClient.connect(address, { trainerId: 'trainer-0001' });
    const { runId } = await hub.create(you, publishedSetup('reverse'));
    trainer.ready();
    const { attempt } = await trainer.assigned();
    const connection = trainer.socket.id;
    trainer.close();
    await expect.poll(() => lines.length).toBe(3);
    const { name, host, pid, holding } = trainer.registration;
    expect(lines).toEqual([
      { connection, trainer: 'trainer-0001', name, host, pid, holding, message: 'trainer registered' },
      { connection, trainer: 'trainer-0001', runId, attempt, message: 'run assigned to a trainer' },
      { connection, trainer: 'trainer-0001', message: expect.stringMatching(/^trainer disconnected: /) },
    ]);
  });

  it('has the run and the attempt of a slow commit', async () => {
    const lines: Record<string, unknown>[] = [];
    const note = (details: object, message: string) => void lines.push({ ...details, message });
    const store = openMemoryStore();
    const append: typeof store.append = async (write) => {
      await new Promise((resolve) => setTimeout(resolve, 600));
      await store.append(write);
    };
    const { hub } = await start({ store: { ...store, append }, log: { info: () => {}, warn: note, error: note } });
    const { runId } = await hub.create(you, publishedSetup('reverse'));
    expect(lines).toEqual([
      { runId, attempt: 0, entries: 1, ms: expect.any(Number), message: expect.stringMatching(/^slow commit: \d+ ms$/) },
    ]);
  });
});

it('ends within ten seconds, though a trainer does not and a client never finishes its request', async () => {
  const folder = ownFolder();
  const { url, close } = await start({
    dataFolder: folder.path,
    trainer: {
      args: ['-e', "process.on('SIGTERM', () => {}); setInterval(() => {}, 1000); console.log('up')"],
      folder: folder.path,
      backend: 'cpu',
    },
  });
  const { hostname, port } = new URL(url);
  const half = connect(Number(port), hostname);
  half.on('error', () => {});
  half.write('POST /api/import?name=x.csv HTTP/1.1\r\nhost: localhost\r\ncontent-length: 100000\r\n\r\nstep');
  await once(half, 'connect');
  const viewer = await TestViewer.connect(url);
  const startedAt = performance.now();
  await close();
  app = null;
  expect(performance.now() - startedAt).toBeLessThan(10_000);
  viewer.close();
  half.destroy();
  folder.remove();
});
