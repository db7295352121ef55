/** The requests that mlflow's own client, Lightning's MLFlowLogger and transformers send, as they are documented (MLflow REST API 2.0). */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connect } from '~/server/mcp/client';
import type { Store } from '~/server/store';
import { localAdmin } from '~/server/team/people';
import { startApp, type TestApp } from '~/test/support/app';
import { fakeClock } from '~/test/support/fakeClock';
import { openMemoryStore } from '~/test/support/memoryStore';

let app: TestApp;
beforeAll(async () => {
  app = await startApp({ loginRequired: true });
});
afterAll(() => app.close());

type Json = Record<string, unknown>;

async function send(method: string, path: string, body?: unknown, authorization = `Bearer ${app.trainerToken}`) {
  const query = method === 'GET' && body ? `?${new URLSearchParams(body as Record<string, string>)}` : '';
  const response = await fetch(`${app.url}/api/2.0/mlflow/${path}${query}`, {
    method,
    headers: { authorization, 'content-type': 'application/json' },
    ...(method !== 'GET' && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
  return { status: response.status, body: (await response.json()) as Json };
}
async function ask(method: string, path: string, body?: unknown): Promise<Json> {
  const answer = await send(method, path, body);
  expect([path, answer]).toMatchObject([path, { status: 200 }]);
  return answer.body;
}

interface Run {
  info: Json & { run_id: string };
  data: { metrics: Json[]; params: Json[]; tags: Json[] };
}
async function created(more: Json = {}): Promise<string> {
  const made = (await ask('POST', 'runs/create', { experiment_id: '0', start_time: 1_700_000_000_000, tags: [], ...more }))
    .run as Run;
  return made.info.run_id;
}
const got = async (run_id: string) => (await ask('GET', 'runs/get', { run_id, run_uuid: run_id })).run as Run;
const ids = (run_id: string) => ({ run_id, run_uuid: run_id });
const sorted = (list: Json[]) => list.toSorted((a, b) => String(a.key).localeCompare(String(b.key)));
async function history(run_id: string, metric_key: string): Promise<Json[]> {
  const all: Json[] = [];
  for (let page_token: string | undefined; ; ) {
    const page = await ask('GET', 'metrics/get-history', {
      ...ids(run_id),
      metric_key,
      max_results: '2',
      ...(page_token && { page_token }),
    });
    all.push(...(page.metrics as Json[]));
    page_token = page.next_page_token as string | undefined;
    if (page_token === undefined) return all;
  }
}

describe('a run as mlflow.start_run logs it', () => {
  it('experiment, parameters, tags, metrics and end are what the client gets back, and what the run page shows', async () => {
    expect(await send('GET', 'experiments/get-by-name', { experiment_name: 'lm' })).toEqual({
      status: 404,
      body: { error_code: 'RESOURCE_DOES_NOT_EXIST', message: "Could not find experiment with name 'lm'" },
    });
    const { experiment_id } = await ask('POST', 'experiments/create', { name: 'lm' });
    expect(await send('POST', 'experiments/create', { name: 'lm' })).toEqual({
      status: 400,
      body: { error_code: 'RESOURCE_ALREADY_EXISTS', message: "Experiment 'lm' already exists." },
    });
    await ask('POST', 'experiments/set-experiment-tag', { experiment_id, key: 'team', value: 'a' });
    const experiment = {
      experiment_id,
      name: 'lm',
      artifact_location: `mlflow-artifacts:/${experiment_id}`,
      lifecycle_stage: 'active',
      creation_time: expect.any(Number),
      last_update_time: expect.any(Number),
      tags: [{ key: 'team', value: 'a' }],
    };
    expect(await ask('GET', 'experiments/get-by-name', { experiment_name: 'lm' })).toEqual({ experiment });
    expect(await ask('GET', 'experiments/get', { experiment_id })).toEqual({ experiment });
    expect(await ask('POST', 'experiments/search', { max_results: 100, filter: "name = 'lm'" })).toEqual({
      experiments: [experiment],
    });

    const { run } = (await ask('POST', 'runs/create', {
      experiment_id,
      user_id: 'ada',
      run_name: 'first run',
      start_time: 1_700_000_000_000,
      tags: [
        { key: 'mlflow.user', value: 'ada' },
        { key: 'mlflow.source.name', value: 'train.py' },
        { key: 'mlflow.runName', value: 'first run' },
        { key: 'mlflow.note.content', value: 'a note' },
      ],
    })) as { run: Run };
    const { run_id } = run.info;
    expect(run.info).toMatchObject({
      run_uuid: run_id,
      run_name: 'first run',
      experiment_id,
      user_id: 'ada',
      status: 'RUNNING',
      lifecycle_stage: 'active',
    });
    await ask('POST', 'runs/log-parameter', { ...ids(run_id), key: 'lr', value: '1e-05' });
    await ask('POST', 'runs/log-parameter', { ...ids(run_id), key: 'lr', value: '1e-05' });
    expect(await send('POST', 'runs/log-parameter', { ...ids(run_id), key: 'lr', value: '0.1' })).toMatchObject({
      status: 400,
      body: { error_code: 'INVALID_PARAMETER_VALUE', message: expect.stringContaining("already logged with value='1e-05'") },
    });
    const params = [
      { key: 'layers', value: '2' },
      { key: 'dropout', value: '0.5' },
      { key: 'scale', value: '1.0' },
      { key: 'use_bias', value: 'True' },
      { key: 'constructor', value: 'adam' },
    ];
    await ask('POST', 'runs/log-batch', {
      run_id,
      metrics: [
        { key: 'loss', value: 2.5, timestamp: 1_700_000_000_001, step: 0 },
        { key: 'loss', value: 'NaN', timestamp: 1_700_000_000_002, step: 10 },
        { key: 'system/cpu_utilization_percentage', value: 50, timestamp: 1_700_000_000_002, step: 0 },
      ],
      params,
      tags: [{ key: 'team', value: 'vision' }],
    });
    await ask('POST', 'runs/set-tag', { ...ids(run_id), key: 'long', value: 'x'.repeat(100) });
    await ask('POST', 'runs/set-tag', { ...ids(run_id), key: 'gone', value: 'soon' });
    await ask('POST', 'runs/delete-tag', { run_id, key: 'gone' });
    await ask('POST', 'runs/log-inputs', { run_id, datasets: [] });
    await ask('POST', 'runs/log-metric', { ...ids(run_id), key: 'loss', value: 1.25, timestamp: 1_700_000_000_003, step: 20 });

    const { data, info } = await got(run_id);
    expect(sorted(data.params)).toEqual(sorted([...params, { key: 'lr', value: '1e-05' }]));
    expect(sorted(data.metrics)).toEqual([
      { key: 'loss', value: 1.25, timestamp: 1_700_000_000_003, step: 20 },
      { key: 'system/cpu_utilization_percentage', value: 50, timestamp: 1_700_000_000_002, step: 0 },
    ]);
    expect(sorted(data.tags)).toEqual([
      { key: 'long', value: 'x'.repeat(100) },
      { key: 'mlflow.note.content', value: 'a note' },
      { key: 'mlflow.runName', value: 'first run' },
      { key: 'mlflow.source.name', value: 'train.py' },
      { key: 'mlflow.user', value: 'ada' },
      { key: 'team', value: 'vision' },
    ]);
    expect(info.status).toBe('RUNNING');
    expect(await history(run_id, 'loss')).toEqual([
      { key: 'loss', value: 2.5, timestamp: 1_700_000_000_001, step: 0 },
      { key: 'loss', value: 'NaN', timestamp: 1_700_000_000_002, step: 10 },
      { key: 'loss', value: 1.25, timestamp: 1_700_000_000_003, step: 20 },
    ]);
    const view = (await app.hub.view(run_id))!;
    expect(view).toMatchObject({
      status: 'running',
      tags: ['team=vision'],
      setup: { project: 'lm', name: 'first run', notes: 'a note' },
    });
    expect(view.setup.config).toMatchObject({
      lr: 1e-5,
      layers: 2,
      dropout: 0.5,
      scale: '1.0',
      use_bias: 'True',
      constructor: 'adam',
    });
    const range = await app.hub.store.range({ runId: run_id, series: ['loss'], fromStep: 0, toStep: null, buckets: 100 });
    expect([...range.series[0]!.steps]).toEqual([0, 10, 20]);
    expect([...range.series[0]!.last]).toEqual([2.5, Number.NaN, 1.25]);
    expect(view.streams.find((s) => s.name.startsWith('system'))!.columns[0]).toMatchObject({ group: 'system' });

    expect(await ask('POST', 'runs/update', { ...ids(run_id), status: 'FINISHED', end_time: 1_700_000_001_000 })).toMatchObject({
      run_info: { run_id, status: 'FINISHED' },
    });
    expect((await app.hub.view(run_id))!.status).toBe('finished');
    expect(app.trouble).toEqual([]);
  });

  it('values without steps, twice at a step and of earlier steps are kept as MLflow keeps them', async () => {
    const run_id = await created();
    const told = [
      [0, 1],
      [0, 2],
      [0, 3],
      [50, 4],
      [7, 5],
      [51, 6],
    ] as const;
    const metric = ([step, value]: readonly [number, number], i: number) => ({ key: 'acc', value, timestamp: 1000 + i, step });
    for (const [i, pair] of told.slice(0, 3).entries())
      await ask('POST', 'runs/log-metric', { ...ids(run_id), ...metric(pair, i) });
    await ask('POST', 'runs/log-batch', { run_id, metrics: told.slice(3).map((pair, i) => metric(pair, i + 3)) });
    expect(await history(run_id, 'acc')).toEqual(told.map(metric));
    expect((await got(run_id)).data.metrics).toEqual([metric(told[5], 5)]);
  });

  it('a request that is sent again because its answer was lost doubles nothing', async () => {
    const run_id = await created();
    const one = { ...ids(run_id), key: 'loss', value: 1, timestamp: 1, step: 0 };
    for (let i = 0; i < 3; i++) await ask('POST', 'runs/log-metric', one);
    expect(await history(run_id, 'loss')).toEqual([{ key: 'loss', value: 1, timestamp: 1, step: 0 }]);
  });

  it('a time that is none is refused with its field', async () => {
    const run_id = await created();
    const wish = 'give ms since 1970, from -8.64e15 to 8.64e15';
    const metric = { ...ids(run_id), key: 'loss', value: 1, step: 0 };
    for (const [path, body, message] of [
      ['runs/create', { experiment_id: '0', start_time: 'x' }, 'start_time: give a whole number, or one as text'],
      ['runs/create', { experiment_id: '0', start_time: 9e15 }, `start_time: ${wish}`],
      ['runs/update', { ...ids(run_id), end_time: 'later' }, 'end_time: give a whole number, or one as text'],
      ['runs/log-metric', { ...metric, timestamp: '8999999999999999' }, `timestamp: ${wish}`],
    ] as const)
      expect(await send('POST', path, body)).toMatchObject({ status: 400, body: { message } });
  });

  it('bare NaN and Infinity, and numbers as text, are understood', async () => {
    const run_id = await created();
    await ask('POST', 'runs/log-metric', `{"run_id": "${run_id}", "key": "a", "value": NaN, "timestamp": "5", "step": "3"}`);
    await ask(
      'POST',
      'runs/log-metric',
      `{"run_id": "${run_id}", "key": "a", "value": -Infinity, "timestamp": "6", "step": "4"}`,
    );
    await ask('POST', 'runs/log-metric', { ...ids(run_id), key: 'a', value: '2.5e-1', timestamp: '7', step: '5' });
    expect(await history(run_id, 'a')).toEqual([
      { key: 'a', value: 'NaN', timestamp: 5, step: 3 },
      { key: 'a', value: '-Infinity', timestamp: 6, step: 4 },
      { key: 'a', value: 0.25, timestamp: 7, step: 5 },
    ]);
    expect(await send('POST', 'runs/log-metric', { ...ids(run_id), key: 'a', value: '0x10', step: 6 })).toMatchObject({
      status: 400,
      body: { message: 'value: a number is needed' },
    });
  });

  it('a request that has two values of one parameter is refused whole', async () => {
    const run_id = await created();
    const params = [
      { key: 'depth', value: '1' },
      { key: 'depth', value: '2' },
    ];
    expect(await send('POST', 'runs/log-batch', { ...ids(run_id), params })).toMatchObject({
      status: 400,
      body: { error_code: 'INVALID_PARAMETER_VALUE', message: expect.stringContaining("already logged with value='1'") },
    });
    expect((await got(run_id)).data.params).toEqual([]);
  });

  it("what is not there is answered in MLflow's form", async () => {
    const has = "of MLflow's interface, this server has experiments, runs and their metrics";
    expect(await send('POST', 'registered-models/create', { name: 'm' })).toEqual({
      status: 404,
      body: { error_code: 'ENDPOINT_NOT_FOUND', message: `there is nothing at /api/2.0/mlflow/registered-models/create: ${has}` },
    });
    expect(await send('GET', 'runs/create')).toEqual({
      status: 405,
      body: { error_code: 'ENDPOINT_NOT_FOUND', message: '/api/2.0/mlflow/runs/create answers POST, not GET' },
    });
  });

  it('what comes after the end belongs to the run, which stays ended', async () => {
    const run_id = await created();
    await ask('POST', 'runs/update', { ...ids(run_id), status: 'FINISHED' });
    await ask('POST', 'runs/log-metric', { ...ids(run_id), key: 'test/acc', value: 0.5, timestamp: 1, step: 9 });
    expect(await got(run_id)).toMatchObject({
      info: { status: 'FINISHED' },
      data: { metrics: [{ key: 'test/acc', value: 0.5, step: 9 }] },
    });
    await ask('POST', 'runs/update', { ...ids(run_id), status: 'RUNNING' });
    expect((await got(run_id)).info.status).toBe('RUNNING');
  });

  it('a run that counts as crashed because its program was silent has finished when the program says so', async () => {
    const clock = fakeClock();
    const quiet = await startApp({ store: openMemoryStore(), clock, silentMs: 300 });
    const post = async (path: string, body: Json) => {
      const init = { method: 'POST', body: JSON.stringify(body) };
      return (await (await fetch(`${quiet.url}/api/2.0/mlflow/${path}`, init)).json()) as { run: Run; run_info: Json };
    };
    const { run } = await post('runs/create', { experiment_id: '0' });
    const crashed = new Promise<void>((resolve) => {
      quiet.hub.onEntries((_run, _entries, view) => {
        if (view.status === 'crashed') resolve();
      });
    });
    clock.advance(300);
    await crashed;
    const { run_info } = await post('runs/update', { ...ids(run.info.run_id), status: 'FINISHED' });
    expect(run_info).toMatchObject({ status: 'FINISHED' });
    expect(await quiet.hub.view(run.info.run_id)).toMatchObject({ status: 'finished', attempt: 1 });
    await quiet.close();
  });

  it('what comes after the end and finds the disk full leaves the run ended once it is sent again', async () => {
    const memory = openMemoryStore();
    let free = Number.POSITIVE_INFINITY;
    const append: Store['append'] = async (write) => {
      if (free-- <= 0) throw new Error('database or disk is full');
      return memory.append(write);
    };
    const own = await startApp({ store: { ...memory, append } });
    const post = async (path: string, body: Json) => {
      const init = { method: 'POST', body: JSON.stringify(body) };
      const response = await fetch(`${own.url}/api/2.0/mlflow/${path}`, init);
      return { status: response.status, body: (await response.json()) as { run: Run } };
    };
    const { run_id } = (await post('runs/create', { experiment_id: '0' })).body.run.info;
    await post('runs/update', { run_id, status: 'FAILED' });
    const metric = (key: string) => ({ run_id, key, value: 0.5, timestamp: 1, step: 9 });
    for (const writes of [0, 1, 2, 3]) {
      const log = () => post('runs/log-metric', metric(`metric ${writes}`));
      free = writes;
      expect([writes, (await log()).status]).toEqual([writes, 507]);
      free = Number.POSITIVE_INFINITY;
      expect([writes, (await log()).status]).toEqual([writes, 200]);
      expect([writes, (await own.hub.view(run_id))!.status]).toEqual([writes, 'failed']);
    }
    await own.close();
  });

  it('a tag that is deleted is gone, also the last one, and one that is not there is said', async () => {
    const run_id = await created({ run_name: 'tagged', tags: [{ key: 'team', value: 'a' }] });
    await ask('POST', 'runs/set-tag', { ...ids(run_id), key: 'mlflow.note.content', value: 'a note' });
    await ask('POST', 'runs/update', { ...ids(run_id), status: 'FINISHED' });
    for (const key of ['team', 'mlflow.note.content']) await ask('POST', 'runs/delete-tag', { run_id, key });
    expect(await send('POST', 'runs/delete-tag', { run_id, key: 'team' })).toEqual({
      status: 404,
      body: { error_code: 'RESOURCE_DOES_NOT_EXIST', message: `No tag with name: team in run with id ${run_id}` },
    });
    expect(await got(run_id)).toMatchObject({
      info: { status: 'FINISHED' },
      data: { tags: [{ key: 'mlflow.runName', value: 'tagged' }] },
    });
    expect(await app.hub.view(run_id)).toMatchObject({ setup: { config: {} }, tags: [] });
  });

  it('experiments are found in order, page by page', async () => {
    for (const name of ['paged a', 'paged b', 'paged c']) await ask('POST', 'experiments/create', { name });
    const query = { filter: "name LIKE 'paged%'", order_by: ['name DESC'], max_results: 2 };
    const first = await ask('POST', 'experiments/search', query);
    const second = await ask('POST', 'experiments/search', { ...query, page_token: first.next_page_token });
    const namesOf = (page: Json) => (page.experiments as Json[]).map((e) => e.name);
    expect([[first, second].map(namesOf), second.next_page_token]).toEqual([[['paged c', 'paged b'], ['paged a']], undefined]);
    // Older clients ask with GET: a key of the query that comes several times is a list.
    const asked = new URLSearchParams({ filter: "name LIKE 'paged%'", max_results: '3' });
    for (const order of ['tags.none ASC', 'name ASC']) asked.append('order_by', order);
    expect(namesOf(await ask('GET', `experiments/search?${asked}`))).toEqual(['paged a', 'paged b', 'paged c']);
    for (const order of ['name ASC', 'name DESC']) {
      const one = new URLSearchParams({ filter: "name LIKE 'paged%'", order_by: order });
      const names = ['paged a', 'paged b', 'paged c'];
      expect(namesOf(await ask('GET', `experiments/search?${one}`))).toEqual(order === 'name ASC' ? names : names.toReversed());
    }
    expect(await send('GET', 'experiments/get?experiment_id=0&experiment_id=1')).toMatchObject({
      status: 400,
      body: { message: expect.stringMatching(/^experiment_id: /) },
    });
  });

  it('a run that people stop refuses what its program logs next, and stays stopped', async () => {
    const run_id = await created();
    const command = { kind: 'act', id: 'stop-mlflow', runId: run_id, action: 'stop', args: {} } as const;
    expect(await app.hub.command(localAdmin, command)).toMatchObject({ ok: true });
    expect(await send('POST', 'runs/log-metric', { ...ids(run_id), key: 'a', value: 1, timestamp: 1, step: 0 })).toEqual({
      status: 400,
      body: { error_code: 'INVALID_PARAMETER_VALUE', message: `run ${run_id} was stopped by You: end the program` },
    });
    await ask('POST', 'runs/update', { ...ids(run_id), status: 'FAILED' });
    expect((await got(run_id)).info.status).toBe('KILLED');
  });

  it('runs are found by filter and order, and deleted', async () => {
    const { experiment_id } = await ask('POST', 'experiments/create', { name: 'search' });
    const runs: string[] = [];
    for (let i = 0; i < 3; i++) {
      const run_id = await created({
        experiment_id,
        run_name: `run ${i}`,
        tags: [{ key: 'mlflow.parentRunId', value: i < 2 ? 'p' : 'q' }],
      });
      const metrics = [{ key: 'val loss', value: i, timestamp: 1, step: 0 }];
      await ask('POST', 'runs/log-batch', { run_id, metrics, params: [{ key: 'lr', value: String(i / 10) }] });
      runs.push(run_id);
    }
    const search = async (more: Json) => {
      const found = await ask('POST', 'runs/search', { experiment_ids: [experiment_id], ...more });
      return (found.runs as Run[]).map((r) => runs.indexOf(r.info.run_id));
    };
    expect(await search({ filter: "tags.`mlflow.parentRunId` = 'p'", order_by: ['metrics.`val loss` DESC'] })).toEqual([1, 0]);
    expect(await search({ filter: 'metrics."val loss" >= 1 and params.lr != \'0.2\'' })).toEqual([1]);
    expect(await search({ filter: "attributes.run_name LIKE '%2' AND status = 'RUNNING'" })).toEqual([2]);
    expect(await search({ order_by: ['params.lr ASC'], max_results: 2 })).toEqual([0, 1]);
    expect((await send('POST', 'runs/search', { experiment_ids: [experiment_id], filter: 'what?' })).status).toBe(400);
    await ask('POST', 'runs/update', { ...ids(runs[0]!), status: 'FINISHED' });
    await ask('POST', 'runs/delete', { run_id: runs[0] });
    expect(await search({ order_by: ['params.lr ASC'] })).toEqual([1, 2]);
    expect((await app.hub.view(runs[0]!))!.trashed).toBe(true);
  });

  it("a run that MLflow's client did not log is deleted and restored only for those who may delete runs", async () => {
    const other = await startApp();
    const { secret } = await connect({ url: other.url }).team.makeToken.mutate({
      name: 'nightly',
      scope: 'operator',
      expiresInMs: null,
    });
    const post = async (path: string, body: unknown, token?: string) => {
      const headers = token === undefined ? undefined : { authorization: `Bearer ${token}` };
      const response = await fetch(other.url + path, { method: 'POST', body: JSON.stringify(body), headers });
      return { status: response.status, body: (await response.json()) as Json };
    };
    const move = (what: string, run_id: string, token?: string) => post(`/api/2.0/mlflow/runs/${what}`, { run_id }, token);
    const trashed = async (run_id: string) => (await other.hub.view(run_id))!.trashed;

    const runId = String((await post('/api/runs', { key: 'not-of-mlflow' })).body.runId);
    await post('/api/runs/not-of-mlflow/finish', {});
    const refused = (who: string, what: string) => ({
      status: 403,
      body: {
        error_code: 'PERMISSION_DENIED',
        message: `run_id: ${who} may not ${what} run ${runId}: MLflow's client did not log it`,
      },
    });
    const tokens = [
      ['Trainer (trainer)', other.trainerToken],
      ['nightly (operator)', secret],
    ] as const;
    for (const [who, token] of tokens) expect(await move('delete', runId, token)).toEqual(refused(who, 'delete'));
    expect(await trashed(runId)).toBe(false);
    expect((await move('delete', runId)).status).toBe(200);
    for (const [who, token] of tokens) expect(await move('restore', runId, token)).toEqual(refused(who, 'restore'));
    expect(await trashed(runId)).toBe(true);

    const made = (await post('/api/2.0/mlflow/runs/create', { experiment_id: '0' }, other.trainerToken)).body.run as Run;
    await post('/api/2.0/mlflow/runs/update', { ...ids(made.info.run_id), status: 'FINISHED' }, other.trainerToken);
    for (const [, token] of tokens) {
      expect((await move('delete', made.info.run_id, token)).status).toBe(200);
      expect(await trashed(made.info.run_id)).toBe(true);
      expect((await move('restore', made.info.run_id, token)).status).toBe(200);
      expect(await trashed(made.info.run_id)).toBe(false);
    }
    await other.close();
  });

  it('a search reads the experiments as often for many runs and experiments as for one', async () => {
    const memory = openMemoryStore();
    let reads = 0;
    const setting: Store['setting'] = (name) => {
      if (name === 'mlflow.experiments') reads++;
      return memory.setting(name);
    };
    const own = await startApp({ store: { ...memory, setting } });
    const post = async (path: string, body: Json) => {
      const init = { method: 'POST', body: JSON.stringify(body) };
      return (await (await fetch(`${own.url}/api/2.0/mlflow/${path}`, init)).json()) as { experiment_id: string; runs: Run[] };
    };
    const { experiment_id } = await post('experiments/create', { name: 'other' });
    const search = async (...experiment_ids: string[]) => {
      const before = reads;
      const { runs } = await post('runs/search', { experiment_ids });
      return [runs.map((run) => run.info.experiment_id), reads - before];
    };
    await post('runs/create', { experiment_id: '0' });
    const [one, few] = await search('0');
    for (let i = 0; i < 3; i++) await post('runs/create', { experiment_id });
    expect([one, await search('0', experiment_id)]).toEqual([['0'], [['1', '1', '1', '0'], few]]);
    await own.close();
  });

  it.each([
    ['POST', 'runs/search', { max_results: -1 }, 'max_results: give a whole number from 1 to 50000'],
    ['POST', 'runs/search', { max_results: 50_001 }, 'max_results: give a whole number from 1 to 50000'],
    ['GET', 'experiments/search', { max_results: '0' }, 'max_results: give a whole number from 1 to 50000'],
    ...['metrics.loss sideways', '', 'metrics.a b DESC'].map(
      (order) =>
        [
          'POST',
          'runs/search',
          { order_by: [order] },
          `order_by: Invalid order_by clause '${order}'; give e.g. metrics.loss ASC`,
        ] as const,
    ),
    [
      'POST',
      'runs/search',
      { order_by: ['attributes.color'] },
      "order_by: Invalid attribute key 'color' specified. Valid keys are artifact_uri, end_time, run_id, run_name, start_time, status, user_id",
    ],
    [
      'POST',
      'experiments/search',
      { filter: "status = 'x'" },
      "filter: Invalid attribute key 'status' specified. Valid keys are creation_time, experiment_id, last_update_time, name",
    ],
    ['POST', 'runs/search', { filter: "metrics.loss < 'low'" }, "filter: metrics.loss is a number, not 'low'"],
    ['POST', 'runs/search', { page_token: 'zzz' }, 'page_token: give the next_page_token of the answer before'],
    ['POST', 'runs/delete', {}, 'run_id: it is missing; give the id of a run'],
  ] as const)('%s %s with %j is refused with its field', async (method, path, body, message) => {
    expect(await send(method, path, body)).toEqual({ status: 400, body: { error_code: 'INVALID_PARAMETER_VALUE', message } });
  });

  it('files that are logged become samples, where they are pictures or texts', async () => {
    const run_id = await created();
    const put = async (name: string, body: Uint8Array | string) => {
      const { artifact_uri } = (await got(run_id)).info;
      const path = String(artifact_uri).replace('mlflow-artifacts:/', '');
      const url = `${app.url}/api/2.0/mlflow-artifacts/artifacts/${path}/${name}`;
      const response = await fetch(url, {
        method: 'PUT',
        body: body as BodyInit,
        headers: { authorization: `Bearer ${app.trainerToken}` },
      });
      expect([name, response.status]).toEqual([name, 200]);
    };
    const png = Buffer.from(
      'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
      'base64',
    );
    await put('figures/loss.png', png);
    await put('notes.txt', 'a text');
    await put('model.pth', Uint8Array.of(0x80, 0x02, 0xff));
    const { recent } = (await app.hub.view(run_id))!;
    expect(recent.media.items).toMatchObject([
      { name: 'figures/loss.png', kind: 'image', blob: { bytes: png.length } },
      { name: 'notes.txt', kind: 'text', text: 'a text' },
    ]);
    expect(recent.alerts.items.map((a) => a.message)).toEqual([
      "model.pth (3 bytes) is not kept: of a program's files, pictures and texts are",
    ]);
  });

  it('the list of the files of a run is empty, so that log_table begins a new one; of a run that is not here there is none', async () => {
    const run_id = await created();
    const list = async (path: string) => {
      const url = `${app.url}/api/2.0/mlflow-artifacts/artifacts?${new URLSearchParams({ path })}`;
      const response = await fetch(url, { headers: { authorization: `Bearer ${app.trainerToken}` } });
      return [response.status, await response.json()];
    };
    for (const below of ['', '/tables', '/tables/a.json'])
      expect(await list(`0/${run_id}/artifacts${below}`)).toEqual([200, { files: [] }]);
    const missing = (message: string) => [404, { error_code: 'RESOURCE_DOES_NOT_EXIST', message }];
    expect(await list('0/not-here/artifacts')).toEqual(missing('run_id: there is no run not-here'));
    expect(await list('0')).toEqual(missing('path: give EXPERIMENT/RUN/artifacts, not "0"'));
  });

  it('a token is needed, as Bearer or as a password', async () => {
    const basic = (password: string) => `Basic ${Buffer.from(`ada:${password}`).toString('base64')}`;
    expect((await send('POST', 'experiments/search', {}, basic(app.trainerToken))).status).toBe(200);
    expect(await send('POST', 'experiments/search', {}, basic('wrong'))).toMatchObject({
      status: 401,
      body: { error_code: 'UNAUTHENTICATED' },
    });
  });
});
