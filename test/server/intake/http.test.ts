import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connect } from '~/server/mcp/client';
import type { Store } from '~/server/store';
import { localAdmin } from '~/server/team/people';
import { startApp } from '~/test/support/app';
import { fakeClock } from '~/test/support/fakeClock';
import { app, begin, end, fresh, log, opened, post, restart, rowsOf } from '~/test/support/httpIntake';
import { openMemoryStore } from '~/test/support/memoryStore';
import { root } from '~/test/support/root';
import { blobOf } from '~/test/support/synthetic';

beforeAll(begin);
afterAll(end);

it('a run that has reached the last of all steps can be finished', async () => {
  await opened('last-step');
  const last = Number.MAX_SAFE_INTEGER;
  await post('/api/runs/last-step/log', { step: last, loss: 1 });
  expect(await post('/api/runs/last-step/finish', {})).toMatchObject({ status: 200, body: { status: 'finished', step: last } });
});

describe('the README', () => {
  const text = readFileSync(path.join(root, 'server/intake/README.md'), 'utf8');
  const lines = [...text.matchAll(/```sh\n([\s\S]*?)```/g)].flatMap((m) => m[1]!.trim().split('\n'));

  it('its lines for a shell do what it says, as they stand', async () => {
    const run = (line: string) =>
      new Promise<Record<string, unknown>>((resolve, reject) => {
        const shell = spawn('sh', ['-c', line], { env: { ...process.env, URL: app.url, TOKEN: app.trainerToken } });
        let said = '';
        shell.stdout.on('data', (data) => (said += data));
        shell.on('error', reject);
        shell.on('close', () => resolve(JSON.parse(said)));
      });
    expect(lines).toHaveLength(10);
    const answers: Record<string, unknown>[] = [];
    for (const line of lines) {
      const answer = run(line);
      if (line.includes('/commands?wait')) {
        const runId = answers[5]!.runId as string;
        const command = { kind: 'set', id: 'set-the-rate', runId, control: 'lr', value: 0.05, expected: 0.1 } as const;
        expect(await app.hub.command(localAdmin, command)).toMatchObject({ ok: true });
      }
      answers.push(await answer);
    }
    const first = answers[0]!.runId as string;
    const opening = { ...fresh, attempt: 1, step: 0, status: 'queued' };
    const asked = { seq: 8, by: 'You', kind: 'set', id: 'set-the-rate', control: 'lr', value: 0.05, expected: 0.1 };
    const second = answers[5]!.runId as string;
    expect(answers).toEqual([
      { ...opening, runId: first, key: 'my-first-run', page: `/runs/${first}` },
      { ...fresh, runId: first, step: 1 },
      { ...fresh, runId: first, step: 21 },
      { ...fresh, runId: first, step: 21 },
      { ...fresh, runId: first, step: 21, status: 'finished' },
      { ...opening, runId: second, key: 'steered-run', page: `/runs/${second}` },
      { ...fresh, runId: second, step: 2 },
      { ...fresh, runId: second, step: 2, commands: [asked] },
      { ...fresh, runId: second, step: 2 },
      { ...fresh, runId: second, step: 2, status: 'failed' },
    ]);
    expect(await rowsOf(first, 'loss')).toEqual([
      [0, 2.5],
      [10, 2.25],
      [20, 2],
    ]);
    expect(await rowsOf(first, 'val/loss')).toEqual([[10, Number.NaN]]);
    const view = (await app.hub.view(first))!;
    expect(view).toMatchObject({
      status: 'finished',
      statusMessage: 'done',
      setup: { project: 'lm', name: 'from curl', config: { lr: 0.001 } },
    });
    expect(view.latestEvaluations).toMatchObject([
      {
        split: 'validation',
        step: 21,
        metrics: [
          { name: 'loss', value: 2.1, role: 'loss' },
          { name: 'accuracy', value: 0.5, role: 'accuracy' },
        ],
      },
    ]);
    expect(await app.hub.view(second)).toMatchObject({
      status: 'failed',
      traceback: 'at step 2',
      values: { lr: { value: 0.05 } },
    });
    expect(app.trouble).toEqual([]);
  });
});

describe('what a program says over HTTP', () => {
  it('is in the log as if a trainer had said it', async () => {
    const runId = await opened('every-kind');
    const say = (what: string, body: unknown) => post(`/api/runs/every-kind/${what}`, body);
    for (const [what, body, step] of [
      ['log', { loss: 1 }, 1],
      ['define', { name: 'loss', unit: 'nats', better: 'lower', main: true }, 1],
      ['text', { name: 'story', text: 'once' }, 1],
      ['histogram', { name: 'weights', edges: [0, 1, 2], counts: [3, 4], step: 5 }, 5],
      ['table', { name: 'samples', columns: ['a'], rows: [[1]] }, 5],
      ['console', { text: 'hello\n' }, 5],
      ['alert', { message: 'look here' }, 5],
      ['setup', { config: { layers: 2 }, notes: 'a note', tags: ['x'], name: 'another name' }, 5],
      ['summary', { best: 0.5, what: 'words' }, 5],
      ['rewind', { step: 0 }, 0],
      ['log', '{"worst": Infinity, "__proto__": -1}', 1],
      ['heartbeat', '', 1],
    ] as const)
      expect([what, await say(what, body)]).toEqual([what, { status: 200, body: { ...fresh, runId, step } }]);
    const sample = { type: 'media', step: 5 };
    expect(await log(runId, 'series', 'media', 'console', 'alert', 'setup', 'rewind')).toEqual([
      { type: 'series', stream: 'loss', columns: [{ name: 'loss', role: 'loss' }] },
      { type: 'series', stream: 'loss', columns: [{ name: 'loss', unit: 'nats', better: 'lower', main: true }] },
      { ...sample, step: 1, kind: 'text', name: 'story', text: 'once' },
      // Its step was given: the run is as far from here on.
      { ...sample, kind: 'histogram', name: 'weights', text: '{"edges":[0,1,2],"counts":[3,4]}' },
      { ...sample, kind: 'table', name: 'samples', text: '{"columns":["a"],"rows":[[1]]}' },
      { type: 'console', stream: 'out', text: 'hello\n' },
      { type: 'alert', step: 5, level: 'warning', kind: 'script', message: 'look here' },
      { type: 'setup', config: { layers: 2 }, notes: 'a note', tags: ['x'], name: 'another name' },
      { ...sample, kind: 'table', name: 'summary', text: '{"columns":["name","value"],"rows":[["best",0.5],["what","words"]]}' },
      { type: 'rewind', step: 0, resumed: expect.anything() },
      { type: 'series', stream: 'worst', columns: [{ name: 'worst' }] },
      { type: 'series', stream: '__proto__', columns: [{ name: '__proto__' }] },
    ]);
    expect(await rowsOf(runId, 'loss')).toEqual([]);
    expect(await rowsOf(runId, 'worst')).toEqual([[0, Number.POSITIVE_INFINITY]]);
    expect(await rowsOf(runId, '__proto__')).toEqual([[0, -1]]);
    const { setup, tags } = (await app.hub.view(runId))!;
    expect([setup.config, setup.notes, setup.name, tags]).toEqual([{ layers: 2 }, 'a note', 'another name', ['x']]);
  });

  it('is done once, however often a request with an idempotency-key is sent, also after a restart', async () => {
    const key = { 'idempotency-key': 'request-1' };
    const open = { 'idempotency-key': 'open' };
    const first = await post('/api/runs', { key: 'again-and-again' }, open);
    const runId = first.body.runId as string;
    const rows = [{ loss: 1 }, { loss: 2 }];
    const say = () => post('/api/runs/again-and-again/log', rows, key);
    expect(await say()).toEqual({ status: 200, body: { ...fresh, runId, step: 2 } });
    expect(await say()).toEqual({ status: 200, body: { ...fresh, repeated: true, runId, step: 2 } });
    await post('/api/runs/again-and-again/alert', { message: 'once' }, { 'idempotency-key': 'alert' });
    await restart();
    expect(await say()).toEqual({ status: 200, body: { ...fresh, repeated: true, runId, step: 2 } });
    await post('/api/runs/again-and-again/alert', { message: 'once' }, { 'idempotency-key': 'alert' });
    expect(await post('/api/runs', { key: 'again-and-again' }, open)).toEqual({
      status: 200,
      body: { ...first.body, repeated: true, step: 2, status: 'running' },
    });
    expect(await post('/api/runs/again-and-again/log', { loss: 3 })).toEqual({ status: 200, body: { ...fresh, runId, step: 3 } });
    expect(await rowsOf(runId, 'loss')).toEqual([
      [0, 1],
      [1, 2],
      [2, 3],
    ]);
    expect(await log(runId, 'alert')).toHaveLength(1);
  });

  it('a stop reaches a program that declares nothing: its next answer says so, and the run has stopped', async () => {
    const runId = await opened('to-be-stopped');
    await post('/api/runs/to-be-stopped/log', { loss: 1 });
    const stop = { kind: 'act', id: 'stop-it-now', runId, action: 'stop', args: {} } as const;
    expect(await app.hub.command(localAdmin, stop)).toMatchObject({ ok: true });
    expect(await post('/api/runs/to-be-stopped/log', { loss: 0.5 })).toEqual({
      status: 200,
      body: { ...fresh, runId, step: 2, stop: true, status: 'stopped' },
    });
    expect(await post('/api/runs/to-be-stopped/log', { loss: 0.25 })).toEqual({
      status: 409,
      body: { error: `run ${runId} has ended (stopped): stopped by You`, field: null },
    });
    expect(await rowsOf(runId, 'loss')).toEqual([
      [0, 1],
      [1, 0.5],
    ]);
    expect(await log(runId, 'command.applied')).toMatchObject([{ commandId: 'stop-it-now', message: 'the program was told' }]);
  });

  it('a stop that waits is told to a program that opens the run again', async () => {
    const runId = await opened('stopped-at-open');
    const stop = { kind: 'act', id: 'stop-at-open', runId, action: 'stop', args: {} } as const;
    expect(await app.hub.command(localAdmin, stop)).toMatchObject({ ok: true });
    const answer = { ...fresh, runId, key: 'stopped-at-open', attempt: 2, page: `/runs/${runId}`, step: 0 };
    expect(await post('/api/runs', { key: 'stopped-at-open', resume: 'allow' })).toEqual({
      status: 200,
      body: { ...answer, stop: true, status: 'stopped' },
    });
    const own = { key: 'stops-by-itself', actions: [{ name: 'end', label: 'End', role: 'stop' }] };
    const second = await opened(own.key, own);
    expect(await app.hub.command(localAdmin, { ...stop, id: 'end-by-itself', runId: second, action: 'end' })).toMatchObject({
      ok: true,
    });
    expect((await post('/api/runs', { ...own, resume: 'allow' })).body).toMatchObject({
      stop: true,
      status: 'running',
      commands: [{ id: 'end-by-itself', kind: 'act', action: 'end' }],
    });
  });

  it('a finished run goes on in a new attempt when its key is opened again', async () => {
    const runId = await opened('goes-on-later');
    await post('/api/runs/goes-on-later/log', { loss: 1 });
    await post('/api/runs/goes-on-later/finish', {});
    expect((await post('/api/runs/goes-on-later/finish', {})).body).toMatchObject({ ok: true, repeated: true });
    const { body } = await post('/api/runs', { key: 'goes-on-later', resume: 'must', config: { b: 2 } });
    expect(body).toMatchObject({ runId, attempt: 2, step: 1, status: 'finished' });
    await post('/api/runs/goes-on-later/log', { loss: 2 });
    expect(await rowsOf(runId, 'loss')).toEqual([
      [0, 1],
      [1, 2],
    ]);
  });
});

it('an image is sent by whoever may log it: a trainer, an operator, or anybody on a server that only this machine can reach', async () => {
  const own = await startApp();
  const tokenOf = async (scope: 'operator' | 'viewer') =>
    (await connect({ url: own.url }).team.makeToken.mutate({ name: scope, scope, expiresInMs: null })).secret;
  await fetch(`${own.url}/api/runs`, { method: 'POST', body: '{"key": "with-images"}' });
  const sent = async (token: string | null, pixels: string) => {
    const headers: Record<string, string> = token === null ? {} : { authorization: `Bearer ${token}` };
    const { hash } = blobOf(new TextEncoder().encode(pixels));
    const put = await fetch(`${own.url}/api/blobs/${hash}`, { method: 'PUT', headers, body: pixels });
    const body = JSON.stringify({ name: 'picture', blob: { hash, bytes: pixels.length } });
    const said = await fetch(`${own.url}/api/runs/with-images/image`, { method: 'POST', headers, body });
    return [put.status, said.status];
  };
  expect(await sent(own.trainerToken, 'one')).toEqual([201, 200]);
  expect(await sent(await tokenOf('operator'), 'two')).toEqual([201, 200]);
  expect(await sent(null, 'three')).toEqual([201, 200]);
  expect(await sent(await tokenOf('viewer'), 'four')).toEqual([403, 403]);
  await own.close();
});

it('a run of a silent program crashes after the time that is set, and goes on with what the program says or asks next', async () => {
  const clock = fakeClock();
  const quick = await startApp({ store: openMemoryStore(), clock, silentMs: 300 });
  const ask = (where: string, body: unknown) =>
    fetch(quick.url + where, { method: 'POST', body: JSON.stringify(body) }).then((r) => r.json());
  const crashed = () => {
    const message = new Promise<string>((resolve) => {
      const stop = quick.hub.onEntries((_run, _entries, view) => {
        if (view.status !== 'crashed') return;
        stop();
        resolve(view.statusMessage);
      });
    });
    clock.advance(300);
    return message;
  };
  const { runId } = (await ask('/api/runs', { key: 'silent-program' })) as { runId: string };
  expect(await crashed()).toBe('nothing was heard of HTTP client on 127.0.0.1 for 0.3 s');
  expect(await ask('/api/runs/silent-program/log', { loss: 1 })).toEqual({ ...fresh, runId, step: 1 });
  await crashed();
  const commands = await fetch(`${quick.url}/api/runs/silent-program/commands`);
  expect(await commands.json()).toEqual({ ...fresh, runId, step: 1 });
  await quick.close();
});

it('a request that a full disk did not take is done when it is sent again, also when another one was done in between', async () => {
  const memory = openMemoryStore();
  let isFull = false;
  const append: Store['append'] = async (write) => {
    if (isFull) throw new Error('database or disk is full');
    return memory.append(write);
  };
  const own = await startApp({ store: { ...memory, append } });
  const say = async (loss: number) => {
    const init = { method: 'POST', body: JSON.stringify({ loss }), headers: { 'idempotency-key': `loss ${loss}` } };
    return (await fetch(`${own.url}/api/runs/full-disk/log`, init)).status;
  };
  const open = await fetch(`${own.url}/api/runs`, { method: 'POST', body: '{"key": "full-disk"}' });
  const { runId } = (await open.json()) as { runId: string };
  isFull = true;
  expect(await say(1)).toBe(507);
  isFull = false;
  for (const loss of [2, 1, 1]) expect(await say(loss)).toBe(200);
  const { values } = await own.hub.store.rows({ runId, stream: 'loss', fromStep: 0, toStep: null, limit: 10 });
  expect([...values]).toEqual([2, 1]);
  await own.close();
});

describe('a request that waits for commands', () => {
  it('is enough for a program to have its run again after a restart of the server', async () => {
    const runId = await opened('only-asks');
    await restart();
    const headers = { authorization: `Bearer ${app.trainerToken}` };
    const answer = await fetch(`${app.url}/api/runs/only-asks/commands`, { headers });
    expect(await answer.json()).toEqual({ ...fresh, runId, step: 0 });
    expect(app.hub.registry.opened.portOf(runId)).not.toBeNull();
  });

  it('is answered before a proxy ends it, however long it asks for; a program that goes away meanwhile is not waited for', async () => {
    const time = fakeClock();
    /** ms of what waits. */
    const waits: number[] = [];
    const clock = {
      ...time,
      after(ms: number, task: () => void) {
        waits.push(ms);
        const cancel = time.after(ms, () => {
          waits.splice(waits.indexOf(ms), 1);
          task();
        });
        return () => {
          waits.splice(waits.indexOf(ms), 1);
          cancel();
        };
      },
    };
    const own = await startApp({ store: openMemoryStore(), clock });
    const ask = (path: string, init: RequestInit = {}) =>
      fetch(own.url + path, { ...init, headers: { authorization: `Bearer ${own.trainerToken}` } });
    const open = await ask('/api/runs', { method: 'POST', body: '{"key": "waits-long"}' });
    const { runId } = (await open.json()) as { runId: string };
    const wait = '/api/runs/waits-long/commands?wait=60';
    const held = () => waits.includes(50_000);
    const refused = await ask('/api/runs/waits-long/commands?wait=61');
    expect([refused.status, await refused.json()]).toMatchObject([
      400,
      { error: 'wait: give seconds from 0 to 60', field: 'wait' },
    ]);

    const answer = ask(wait);
    await expect.poll(held).toBe(true);
    clock.advance(50_000);
    expect(await (await answer).json()).toMatchObject({ commands: [], status: 'running' });

    const gone = new AbortController();
    const left = ask(wait, { signal: gone.signal });
    await expect.poll(held).toBe(true);
    gone.abort();
    await expect(left).rejects.toThrow();
    await expect.poll(held).toBe(false);
    clock.advance(13_000);
    const stop = { kind: 'act', id: 'stop-it-now', runId, action: 'stop', args: {} } as const;
    await own.hub.command(localAdmin, stop);
    expect(await own.hub.view(runId)).toMatchObject({ status: 'stopped' });
    await own.close();
  });
});
