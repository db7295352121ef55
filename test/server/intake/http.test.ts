import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { localAdmin } from '~/server/team/people';
import { startApp, type TestApp } from '~/test/support/app';
import { fakeClock } from '~/test/support/fakeClock';
import { ownFolder } from '~/test/support/folder';
import { openMemoryStore } from '~/test/support/memoryStore';
import { root } from '~/test/support/root';

let app: TestApp;
const folder = ownFolder();
beforeAll(async () => {
  app = await startApp({ dataFolder: folder.path, loginRequired: true });
});
afterAll(async () => {
  await app.close();
  folder.remove();
});

interface Answer {
  status: number;
  body: Record<string, unknown>;
}
async function post(where: string, body: unknown, headers: Record<string, string> = {}): Promise<Answer> {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  const authorization = `Bearer ${app.trainerToken}`;
  const response = await fetch(app.url + where, { method: 'POST', body: text, headers: { authorization, ...headers } });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}

async function opened(key: string, more: object = {}): Promise<string> {
  const { body } = await post('/api/runs', { key, ...more });
  return body.runId as string;
}

/** [step, value] of a series. */
async function rowsOf(runId: string, series: string): Promise<[number, number][]> {
  const { steps, values } = await app.hub.store.rows({ runId, stream: series, fromStep: -1e9, toStep: null, limit: 1000 });
  return [...steps].map((step, i) => [step, values[i]!]);
}

/** What went into the log after the run was created, without times and blobs. */
async function log(runId: string, ...types: string[]): Promise<unknown[]> {
  const entries = await app.hub.store.entries({ runId, fromSeq: 1, limit: 1000, types: null });
  return entries.flatMap(({ event }) => (types.includes(event.type) ? [event] : []));
}

const fresh = { ok: true, repeated: false, stop: false, commands: [], status: 'running' };

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
    const opening = { ok: true, attempt: 1, step: 0, status: 'queued', repeated: false };
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
    for (const [what, body] of [
      ['log', { loss: 1 }],
      ['define', { name: 'loss', unit: 'nats', better: 'lower', main: true }],
      ['text', { name: 'story', text: 'once' }],
      ['histogram', { name: 'weights', edges: [0, 1, 2], counts: [3, 4], step: 5 }],
      ['table', { name: 'samples', columns: ['a'], rows: [[1]] }],
      ['console', { text: 'hello\n' }],
      ['alert', { message: 'look here' }],
      ['setup', { config: { layers: 2 }, notes: 'a note', tags: ['x'], name: 'another name' }],
      ['summary', { best: 0.5, what: 'words' }],
      ['rewind', { step: 0 }],
      ['log', '{"worst": Infinity, "__proto__": -1}'],
      ['heartbeat', ''],
    ] as const)
      expect([what, await say(what, body)]).toEqual([
        what,
        { status: 200, body: { ...fresh, runId, step: what === 'rewind' ? 0 : 1 } },
      ]);
    const sample = { type: 'media', step: 1 };
    expect(await log(runId, 'series', 'media', 'console', 'alert', 'setup', 'rewind')).toEqual([
      { type: 'series', stream: 'loss', columns: [{ name: 'loss', role: 'loss' }] },
      { type: 'series', stream: 'loss', columns: [{ name: 'loss', unit: 'nats', better: 'lower', main: true }] },
      { ...sample, kind: 'text', name: 'story', text: 'once' },
      { ...sample, kind: 'histogram', name: 'weights', step: 5, text: '{"edges":[0,1,2],"counts":[3,4]}' },
      { ...sample, kind: 'table', name: 'samples', text: '{"columns":["a"],"rows":[[1]]}' },
      { type: 'console', stream: 'out', text: 'hello\n' },
      { type: 'alert', step: 1, level: 'warning', kind: 'script', message: 'look here' },
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

  it('nested too deep is refused with a limit, wherever it stands', async () => {
    await opened('deep-nested');
    const lists = (levels: number) => `${'['.repeat(levels)}${']'.repeat(levels)}`;
    const words = 'it is nested deeper than the 100 levels that are taken';
    for (const [what, body] of [
      ['log', `{"a": ${lists(20_000)}}`],
      ['log', lists(20_000)],
      ['summary', `{"a": ${lists(100)}}`],
      ['setup', `{"config": {"a": ${lists(20_000)}}}`],
    ] as const) {
      const { status, body: said } = await post(`/api/runs/deep-nested/${what}`, body);
      expect([what, status, said.error]).toEqual([what, 400, `line 1: no JSON: ${words}`]);
    }
    expect((await post('/api/runs', `{"config": ${'{"a":'.repeat(20_000)}1${'}'.repeat(20_000)}}`)).body.error).toContain(words);
    expect((await post('/api/runs/deep-nested/setup', `{"config": {"a": ${lists(8)}}}`)).status).toBe(200);
  });

  it('that the log would set aside is refused as well: a description that contradicts the first one', async () => {
    await opened('described');
    const say = async (what: string, body: unknown) => {
      const { status, body: said } = await post(`/api/runs/described/${what}`, body);
      return [status, said.field, said.error];
    };
    await say('define', { name: 'bits', unit: 'bit' });
    expect(await say('define', { name: 'bits', unit: 'nats' })).toEqual([
      400,
      'unit',
      'unit: series "bits" was declared with unit "bit" and keeps it, got "nats"; give "bit", or the series another name',
    ]);
    expect(
      await say('define', [
        { name: 'new', unit: 's' },
        { name: 'new', unit: 'ms' },
      ]),
    ).toEqual([
      400,
      '1.unit',
      '1.unit: series "new" was declared with unit "s" and keeps it, got "ms"; give "s", or the series another name',
    ]);
    expect(await say('define', { name: 'bits', group: 'data' })).toEqual([200, undefined, undefined]);
  });

  it('is refused with its field and what would fit, and nothing of it is kept', async () => {
    const runId = await opened('refusals');
    await post('/api/runs/refusals/log', { loss: 1 });
    const before = (await app.hub.view(runId))!.seq;
    const say = async (what: string, body: unknown) => {
      const { status, body: said } = await post(`/api/runs/refusals/${what}`, body);
      return [status, said.field, said.error];
    };
    expect(await say('log', '{"loss": 2}\n{"loss": "two"}')).toEqual([
      400,
      '1.loss',
      '1.loss: a number is needed (or "NaN", "Infinity", "-Infinity"), got "two"',
    ]);
    expect(
      await say('log', [
        { step: 5, values: { loss: 1 } },
        { step: 5, values: { loss: 2 } },
      ]),
    ).toEqual([
      409,
      '1.step',
      '1.step: "loss" has a value at step 5 already; step 5 does not come after it (to go back, rewind first)',
    ]);
    expect((await say('log', '{"loss": 1'))[2]).toMatch(/^line 1: no JSON: /);
    expect(await say('log', { step: 0, values: { loss: 2 } })).toEqual([
      409,
      'step',
      'step: "loss" has a value at step 0 already; step 0 does not come after it (to go back, rewind first)',
    ]);
    expect(await say('log', { step: 3, tme: 1, values: { loss: 2 } })).toEqual([
      400,
      'tme',
      'there is no field "tme"; known are step, time, values',
    ]);
    expect(await say('log', { step: 3, time: 1_764_446_000.25, loss: 2 })).toEqual([
      400,
      'time',
      'time: 1764446000.25 is a time in seconds; give ms since 1970: 1764446000250',
    ]);
    expect(await say('log', { step: 3, time: 1e300, values: { loss: 2 } })).toEqual([
      400,
      'time',
      'time: give ms since 1970, from -8.64e15 to 8.64e15',
    ]);
    expect(await say('log', { '': 1 })).toEqual([400, '', '"": a name has 1 to 512 characters']);
    // Neither UTF-8 nor the store can hold half a character.
    expect(await say('log', '{"half \\ud800": 1}')).toEqual([
      400,
      'stream',
      'stream: it contains half a character (a surrogate without its pair); columns.0.name: it contains half a character (a surrogate without its pair)',
    ]);
    expect(await say('evaluation', { split: 'test', metrics: {} })).toEqual([400, 'metrics', 'metrics: it must not be empty']);
    expect(await say('evaluation', { split: 'test' })).toEqual([
      400,
      'metrics',
      'metrics: give an object of numbers by name, not nothing',
    ]);
    expect(await say('evaluation', { split: 'test', metrics: { loss: 'low' } })).toEqual([
      400,
      'metrics.loss',
      'metrics.loss: a number is needed (or "NaN", "Infinity", "-Infinity"), got "low"',
    ]);
    expect(await say('setup', { color: 'red' })).toEqual([
      400,
      'color',
      'there is no field "color"; known are type, name, notes, tags, config, removed',
    ]);
    expect(await say('define', { name: 'loss', better: 'up' })).toEqual([
      400,
      'better',
      'better: give "lower" or "higher", not "up"',
    ]);
    expect(await say('define', { name: 'loss', role: 'speed' })).toEqual([400, 'role', expect.stringMatching(/^role: give "/)]);
    expect(await say('histogram', { name: 'h', edges: [0, 1], counts: [1, 2] })).toEqual([
      400,
      'counts',
      'counts: a histogram of n counts needs n + 1 edges',
    ]);
    expect(await say('table', { name: 't', columns: ['a', 'b'], rows: [[1, 2], [3]] })).toEqual([
      400,
      'rows',
      'rows: every row of a table needs one cell per column',
    ]);
    expect(await say('answers', { id: 'nobody-asked' })).toEqual([404, 'id', 'id: no command nobody-asked waits for an answer']);
    expect(await say('setup', { config: { long: 'x'.repeat(70_000) } })).toEqual([
      400,
      'config',
      expect.stringMatching(/^config: \d+ bytes as JSON; at most 65536 fit$/),
    ]);
    expect((await say('sing', {}))[0]).toBe(404);
    expect((await app.hub.view(runId))!.seq).toBe(before);
    expect(await post('/api/runs/no-such-run/log', { loss: 1 })).toEqual({
      status: 404,
      body: { error: 'run: there is no run no-such-run, and none with this key', field: 'run' },
    });
    expect(await post('/api/runs', { key: 'refusals' })).toEqual({
      status: 409,
      body: { error: `key: run ${runId} has this key; to go on with it, open it with resume "allow" or "must"`, field: 'key' },
    });
    expect(await post('/api/runs', { key: 'short' })).toEqual({
      status: 400,
      body: { error: 'key: 8 to 128 characters, none of them a control character', field: 'key' },
    });
    expect(await post('/api/runs', { key: 'controls', controls: [{ name: 'l r', type: 'number' }] })).toEqual({
      status: 400,
      body: {
        error: 'controls.values.0.name: a name begins with a letter, a digit or "_" and goes on with these and . / : -',
        field: 'controls.values.0.name',
      },
    });
    expect(await post('/api/runs/refusals/log', 'x'.repeat(17 * 2 ** 20))).toEqual({
      status: 413,
      body: { error: 'the body has 17825792 bytes, at most 16777216 are taken: send it in parts', field: null },
    });
    const stranger = { authorization: 'Bearer wrong' };
    expect((await post('/api/runs/refusals/log', { loss: 1 }, stranger)).status).toBe(401);
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
    await app.close();
    app = await startApp({ dataFolder: folder.path, loginRequired: true });
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

it('a run of a silent program crashes after the time that is set, and goes on with what the program says next', async () => {
  const quick = await startApp({ silentMs: 300 });
  const ask = (where: string, body: unknown) =>
    fetch(quick.url + where, { method: 'POST', body: JSON.stringify(body) }).then((r) => r.json());
  const crashed = new Promise<string>((resolve) => {
    quick.hub.onEntries((_run, _entries, view) => {
      if (view.status === 'crashed') resolve(view.statusMessage);
    });
  });
  const { runId } = (await ask('/api/runs', { key: 'silent-program' })) as { runId: string };
  expect(await crashed).toBe('nothing was heard of HTTP client on 127.0.0.1 for 0.3 s');
  expect(await ask('/api/runs/silent-program/log', { loss: 1 })).toEqual({ ...fresh, runId, step: 1 });
  await quick.close();
});

describe('a request that waits for commands', () => {
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
