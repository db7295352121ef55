import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { fileURLToPath, pathToFileURL } from 'node:url';
import * as esbuild from 'esbuild';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { LoggedCommand } from '~/shared/commands';
import type { TrainerEvent } from '~/shared/events';
import type { BlobRef } from '~/shared/ids';
import type { Assignment } from '~/shared/protocol';
import { VERSION } from '~/shared/protocol';
import { flattenAll, ScriptedServer } from '~/test/support/scriptedServer';
import { publishedSetup } from '~/test/support/setups';
import type { OpenedBackend } from '~/trainer/backends';
import { type Host, serve } from '~/trainer/link/host';
import { Link, workerUrl } from '~/trainer/link/index';
import { RecipeBook } from '~/trainer/recipes/book';
import type { TrainOptions } from '~/trainer/run/train';
import type { TrainOutput } from '~/trainer/types';

const row = (step: number): TrainerEvent => ({
  type: 'rows',
  stream: 'steps',
  steps: { first: step, count: 1 },
  values: Float64Array.of(step / 3, Number.NaN),
});
const finished = (step: number): TrainerEvent => ({ type: 'status', status: 'finished', step, message: '' });
const checkpoint = (step: number, bytes: Uint8Array): TrainOutput => ({
  event: {
    type: 'checkpoint',
    step,
    blob: { hash: createHash('sha256').update(bytes).digest('hex'), bytes: bytes.length },
    trigger: 'cadence',
    commandId: null,
    lastCommandSeq: 0,
  },
  blob: bytes,
});
const command = (seq: number): LoggedCommand => ({
  seq,
  actor: { id: 'ada', name: 'Ada', role: 'operator' },
  command: { kind: 'act', id: `command-${seq}`, runId: 'run00001', action: 'resume', args: {} },
});
const assign = (over: Partial<Assignment> = {}): Assignment => ({
  runId: 'run00001',
  attempt: 1,
  setup: publishedSetup('reverse'),
  resume: null,
  commands: [],
  ...over,
});

let folder: string;
let server: ScriptedServer;
let stop: AbortController;
let link: Link;
let serving: Promise<void>;
let lines: string[];
/** Everything that the trains of this test yielded. */
let made: TrainerEvent[];

/** The thread's entry as a production build makes it; main.test.ts runs it from source. */
const build = fileURLToPath(new URL(`../../../.build/test-link-${process.pid}`, import.meta.url));
beforeAll(async () => {
  const root = fileURLToPath(new URL('../../..', import.meta.url));
  await esbuild.build({
    entryPoints: [join(root, 'trainer/link/worker.ts')],
    outdir: join(build, 'link'),
    bundle: true,
    platform: 'node',
    format: 'esm',
    packages: 'external',
    tsconfig: join(root, 'tsconfig.json'),
  });
});
afterAll(() => rmSync(build, { recursive: true, force: true }));

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'headroom-link-'));
  server = await new ScriptedServer().start();
  stop = new AbortController();
  lines = [];
  made = [];
});

afterEach(async () => {
  stop.abort();
  await serving;
  await link.close(0).catch(() => {});
  await server.stop();
  rmSync(folder, { recursive: true, force: true });
});

type Train = (options: TrainOptions) => AsyncGenerator<TrainOutput>;

/** A trainer in this process, its link in a thread, and `train` in place of the loop. */
function startTrainer(train: Train, over: { spoolBytes?: number; token?: string } = {}): void {
  link = new Link(
    {
      server: server.url,
      token: over.token ?? server.token,
      spoolFolder: join(folder, 'spool'),
      spoolBytes: over.spoolBytes ?? 2 ** 30,
      registration: {
        version: VERSION,
        trainerId: 'trainer-1',
        name: 'test',
        host: 'here',
        pid: process.pid,
        recipes: new RecipeBook().specs,
        memoryBytes: 1,
      },
    },
    workerUrl(pathToFileURL(join(build, 'main.js')).href),
  );
  const host: Host = {
    async *train(options) {
      for await (const output of train(options)) {
        made.push(output.event);
        yield output;
      }
    },
    open: async () => ({ name: 'cpu' }) as OpenedBackend,
    check: async () => {},
    recipes: new RecipeBook(),
    dataFolder: folder,
    log: (line) => lines.push(line),
  };
  serving = serve(link, host, stop.signal);
  // The tests that expect a rejection look at `serving` themselves.
  serving.catch(() => {});
}

/** `count` rows and the end, without a turn of the event loop between them. */
async function* rows(count: number): AsyncGenerator<TrainOutput> {
  for (let step = 0; step < count; step++) yield { event: row(step), blob: null };
  yield { event: finished(count), blob: null };
}

const assignedAt = async (ready: number, a: Assignment) => {
  await server.until(() => server.readyCount === ready);
  server.assign(a);
};

describe('the link', () => {
  it('registers, takes a run, has every event committed once and in order, and is ready again', async () => {
    startTrainer(() => rows(5000));
    await assignedAt(1, assign());
    await server.until(() => server.readyCount === 2);
    expect(server.log.flat).toEqual(flattenAll(made));
    expect(server.log.flat.length).toBe(5001);
    expect(server.registrations).toEqual([
      {
        version: VERSION,
        trainerId: 'trainer-1',
        name: 'test',
        host: 'here',
        pid: process.pid,
        recipes: new RecipeBook().specs,
        memoryBytes: 1,
        holding: [],
      },
    ]);
  });

  it('hands each command to the loop once, in order, also those sent before the run and while it is paused', async () => {
    const taken: number[] = [];
    startTrainer(async function* ({ commands }) {
      while (taken.length < 3) {
        const got = commands.take();
        if (got.length === 0) await commands.wait();
        for (const c of got) {
          taken.push(c.seq);
          yield { event: row(taken.length - 1), blob: null };
        }
      }
      yield { event: finished(3), blob: null };
    });
    await assignedAt(1, assign({ commands: [command(4)] }));
    await server.until(() => server.log.nextEvent === 1);
    server.command(command(5));
    server.command(command(5));
    await server.until(() => server.log.nextEvent === 2);
    server.command(command(9));
    await server.until(() => server.readyCount === 2);
    expect(taken).toEqual([4, 5, 9]);
  });

  it('goes on training while the server is away, and sends what it missed when it is back, with the commands meanwhile', async () => {
    let open = () => {};
    const gate = new Promise<void>((resolve) => {
      open = resolve;
    });
    const taken: number[] = [];
    startTrainer(async function* ({ commands }) {
      for (let step = 0; step < 100; step++) yield { event: row(step), blob: null };
      await gate;
      for (let step = 100; step < 3000; step++) yield { event: row(step), blob: null };
      await commands.wait();
      taken.push(...commands.take().map((c) => c.seq));
      yield { event: finished(3000), blob: null };
    });
    await assignedAt(1, assign());
    await server.until(() => server.log.nextEvent === 100);
    await server.stop();
    open();
    while (made.length < 3000) await turn();
    server.commands.push(command(2));
    await server.start();
    await server.until(() => server.readyCount === 2);
    expect(server.log.flat).toEqual(flattenAll(made));
    expect(taken).toEqual([2]);
    expect(server.registrations.at(-1)!.holding).toEqual([{ runId: 'run00001', attempt: 1, lastCommandSeq: 0 }]);
  });

  it('survives cut connections and answers that never come or come wrong', async () => {
    const go: (() => void)[] = [];
    startTrainer(async function* () {
      for (let step = 0; step < 600; step++) {
        if (step % 200 === 0) await new Promise<void>((resolve) => go.push(resolve));
        yield { event: row(step), blob: null };
      }
      yield { event: finished(600), blob: null };
    });
    await assignedAt(1, assign());
    while (go.length < 1) await turn();
    server.nextAnswers.push({ ok: false, reason: 'unavailable', message: 'the disk is slow' });
    server.nextAnswers.push({ ok: false, reason: 'gap', nextEvent: 0, message: 'gap' });
    go[0]!();
    await server.until(() => server.log.nextEvent === 200);
    while (go.length < 2) await turn();
    // Committed, but the answer is lost with the connection: the same events must not be committed again.
    server.nextAnswers.push('silence');
    go[1]!();
    await server.until(() => server.log.nextEvent > 200);
    server.cut();
    await server.until(() => server.log.nextEvent === 400);
    while (go.length < 3) await turn();
    go[2]!();
    await server.until(() => server.readyCount === 2);
    expect(server.log.flat).toEqual(flattenAll(made));
  });

  it('stores a blob before the event that names it, again when the server has lost it, and after 503', async () => {
    const bytes = new Uint8Array(100_000).map((_, i) => i % 251);
    server.nextBlobStatus.push(503);
    server.nextAnswers.push({ ok: false, reason: 'missing-blob', hash: 'a'.repeat(64), message: 'gone' });
    startTrainer(async function* () {
      // A view into a larger buffer: only the view is the blob.
      const padded = new Uint8Array(bytes.length + 64);
      padded.set(bytes, 64);
      yield checkpoint(0, padded.subarray(64));
      yield { event: finished(0), blob: null };
    });
    await assignedAt(1, assign());
    await server.until(() => server.readyCount === 2);
    expect([...server.blobs.values()]).toEqual([Buffer.from(bytes)]);
    expect(server.log.flat).toEqual(flattenAll(made));
  });

  it('a blob that a proxy refuses for its size is left out with an alert that says why; the run goes on', async () => {
    const [large, small] = [checkpoint(1, new Uint8Array(100_000)), checkpoint(2, new Uint8Array([2]))];
    server.nextBlobStatus.push(413);
    startTrainer(async function* () {
      yield { event: row(0), blob: null };
      yield large;
      yield { event: row(1), blob: null };
      yield small;
      yield { event: finished(2), blob: null };
    });
    await assignedAt(1, assign());
    await server.until(() => server.readyCount === 2);
    const why = `PUT of blob ${(large.event as { blob: BlobRef }).blob.hash.slice(0, 12)}: the server answered 413 with a web page: a proxy before the server refuses files of this size; raise its limit (nginx: client_max_body_size)`;
    const alert = {
      type: 'alert',
      step: 1,
      level: 'warning',
      kind: 'left-out',
      message: `the checkpoint of step 1 is left out: ${why}`,
    };
    expect(server.log.flat).toEqual(flattenAll(made).map((event) => (event === large.event ? alert : event)));
  });

  it('starts from the checkpoint that the assignment names, and fails the run when the server does not have it', async () => {
    const bytes = Buffer.from('a checkpoint');
    const hash = createHash('sha256').update(bytes).digest('hex');
    server.blobs.set(hash, bytes);
    const seen: unknown[] = [];
    startTrainer(async function* ({ resume }) {
      seen.push(resume);
      yield { event: finished(7), blob: null };
    });
    const replay = [{ logged: command(3), step: 9 }];
    await assignedAt(1, assign({ resume: { step: 7, blob: { hash, bytes: bytes.length }, replay } }));
    await server.until(() => server.readyCount === 2);
    expect(seen).toEqual([{ checkpoint: new Uint8Array(bytes), step: 7, replay }]);

    const missing = 'f'.repeat(64);
    server.log.nextEvent = 0;
    server.assign(assign({ attempt: 2, resume: { step: 7, blob: { hash: missing, bytes: 1 }, replay: [] } }));
    await server.until(() => server.readyCount === 3);
    expect(server.log.flat.at(-1)).toEqual({
      type: 'status',
      status: 'failed',
      step: 7,
      message: 'GET of blob ffffffffffff: the server answered 404 no such blob',
    });
  });

  it('a run that throws ends as failed at its step; the process takes the next one', async () => {
    let runs = 0;
    startTrainer(async function* () {
      yield { event: row(0), blob: null };
      if (runs++ === 0) throw new Error('out of luck');
      yield { event: finished(1), blob: null };
    });
    await assignedAt(1, assign());
    await server.until(() => server.readyCount === 2);
    expect(server.log.flat.at(-1)).toEqual({ type: 'status', status: 'failed', step: 1, message: 'out of luck' });
    server.log.nextEvent = 0;
    server.assign(assign({ runId: 'run00002' }));
    await server.until(() => server.readyCount === 3);
    expect(server.log.flat.at(-1)).toEqual(finished(1));
  });

  it('events that the server calls invalid end the run with the server’s words, committed after what was good', async () => {
    startTrainer(async function* () {
      yield { event: row(0), blob: null };
      await server.until(() => server.log.nextEvent === 1);
      server.nextAnswers.push({ ok: false, reason: 'invalid', message: 'attempt: 1 was never given out' });
      for (let step = 1; ; step++) {
        yield { event: row(step), blob: null };
        await turn();
      }
    });
    await assignedAt(1, assign());
    await server.until(() => server.readyCount === 2);
    expect(server.log.flat.length).toBe(2);
    const last = server.log.flat[1] as Extract<TrainerEvent, { type: 'status' }>;
    expect([last.type, last.status]).toEqual(['status', 'failed']);
    expect(last.message).toMatch(/^the server does not accept events 1 to \d+: attempt: 1 was never given out$/);
  });

  it.each(['release', 'fenced'])('%s drops a paused run at once and leaves nothing behind', async (how) => {
    startTrainer(async function* ({ commands }) {
      yield { event: row(0), blob: null };
      await commands.wait();
    });
    await assignedAt(1, assign());
    await server.until(() => server.log.nextEvent === 1);
    if (how === 'release') server.release('deleted');
    else {
      server.run = { runId: 'run00001', attempt: 2 };
      server.cut();
    }
    await server.until(() => server.readyCount === 2);
    expect(server.log.flat).toEqual([{ type: 'row', step: 0, values: [0, Number.NaN] }]);
    expect(existsSync(join(folder, 'spool', 'run00001-1'))).toBe(false);
  });

  it('outputs of a dropped run that are still on their way do not end up in the next run', async () => {
    const proceed: (() => void)[] = [];
    startTrainer(async function* () {
      const offset = 1000 * proceed.length;
      yield { event: row(offset), blob: null };
      await new Promise<void>((resolve) => proceed.push(resolve));
      // The loop has not heard of the release: no turn of the event loop between these.
      for (let step = 1; step < 50; step++) yield { event: row(offset + step), blob: null };
      yield { event: finished(offset + 50), blob: null };
    });
    await assignedAt(1, assign());
    await server.until(() => server.log.nextEvent === 1);
    while (proceed.length < 1) await turn();
    const before = server.log.flat.length;
    proceed[0]!();
    server.release('deleted');
    server.log.nextEvent = 0;
    server.assign(assign({ runId: 'run00002' }));
    while (proceed.length < 2) await turn();
    proceed[1]!();
    await server.until(() => server.readyCount >= 3);
    expect(server.log.flat.slice(before).filter((e) => (e as { step: number }).step < 1000)).toEqual([]);
    expect(server.log.flat.length - before).toBe(51);
  });

  it('a full spool makes the loop wait, says so in the log, and loses nothing', async () => {
    const bytes = (i: number) => new Uint8Array(300_000).fill(i);
    startTrainer(
      async function* () {
        yield { event: row(0), blob: null };
        await server.until(() => server.log.nextEvent === 1);
        await server.stop();
        for (let i = 1; i <= 30; i++) yield checkpoint(i, bytes(i));
        yield { event: finished(30), blob: null };
      },
      { spoolBytes: 2 ** 20 },
    );
    await assignedAt(1, assign());
    // 2^20 / 300,000 = 3.5 and half of that may be on its way to the spool: the loop stops with the sixth blob at the latest.
    while (lines.length < 1 || made.length < 4) await turn();
    for (let i = 0; i < 2000; i++) await turn();
    expect(made.length).toBeLessThan(8);
    await server.start();
    await server.until(() => server.readyCount === 2);
    const alerts = server.log.flat.filter((e) => (e as TrainerEvent).type === 'alert') as Extract<
      TrainerEvent,
      { type: 'alert' }
    >[];
    expect(alerts.length).toBeGreaterThan(0);
    expect(alerts[0]).toMatchObject({ level: 'warning', kind: 'spool-full' });
    expect(server.log.flat.filter((e) => (e as TrainerEvent).type !== 'alert')).toEqual(flattenAll(made));
    expect(server.blobs.size).toBe(30);
  });

  it('close sends what was posted and says how many events could not be sent', async () => {
    startTrainer(async function* ({ commands }) {
      for (let step = 0; step < 2000; step++) yield { event: row(step), blob: null };
      await commands.wait();
    });
    await assignedAt(1, assign());
    while (made.length < 2000) await turn();
    stop.abort();
    await serving;
    expect(await link.close(5000)).toBe(0);
    expect(server.log.nextEvent).toBe(2000);
    expect(existsSync(join(folder, 'spool'))).toBe(false);
  });

  it('a token that the server does not know is an error that names the setting', async () => {
    startTrainer(() => rows(0), { token: 'another-token' });
    await expect(serving).rejects.toThrow(`${server.url} refuses this trainer: unknown token; check HEADROOM_TRAINER_TOKEN`);
    serving = Promise.resolve();
  });
});
