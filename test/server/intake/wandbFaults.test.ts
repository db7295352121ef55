/** What the wandb client sends where a value of its script makes no sense here: the requests as the client writes them, without the client. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Store } from '~/server/store';
import { startApp, type TestApp } from '~/test/support/app';
import { openMemoryStore } from '~/test/support/memoryStore';

let app: TestApp;
beforeAll(async () => {
  app = await startApp();
});
afterAll(() => app.close());

const headers = (of = app) => ({ authorization: `Basic ${btoa(`api:${of.trainerToken}`)}`, 'content-type': 'application/json' });

async function post(path: string, body: unknown): Promise<number> {
  const response = await fetch(app.url + path, { method: 'POST', headers: headers(), body: JSON.stringify(body) });
  await response.text();
  return response.status;
}

const line = (step: number, values: object) =>
  JSON.stringify({ _step: step, _timestamp: 1_700_000_000, _runtime: step, ...values });
const bins = (edges: unknown, values: unknown) => ({ _type: 'histogram', bins: edges, values });

it('one sample or name that makes no sense costs only itself, not the run', async () => {
  const name = 'senseless';
  await post('/graphql', {
    operationName: 'UpsertBucket',
    query: 'mutation UpsertBucket { a }',
    variables: { name, project: 'lm', host: 'here' },
  });
  const history = [
    // wandb.watch() writes this one of gradients that are all the same.
    line(0, { loss: 1, same: bins([2, 2, 2], [0, 3]) }),
    line(1, { loss: 0.5, short: bins([0, 1], [1, 2, 3]), none: bins([0, 'NaN'], [1]), 'half \ud800': 1 }),
    line(2, { loss: 0.25 }),
  ];
  const files = { 'wandb-history.jsonl': { offset: 0, content: history } };
  expect(await post(`/files/headroom/lm/${name}/file_stream`, { files, complete: true, exitcode: 0 })).toBe(200);

  const { runId } = app.hub.summaries()[0]!;
  const { values } = await app.hub.store.rows({ runId, stream: 'loss', fromStep: 0, toStep: null, limit: 10 });
  expect([...values]).toEqual([1, 0.5, 0.25]);
  const entries = await app.hub.store.entries({ runId, fromSeq: 1, limit: 1000, types: null });
  const events = entries.map((e) => e.event);
  expect(events.flatMap((e) => (e.type === 'media' ? [[e.name, e.text]] : []))).toEqual([
    ['same', `{"edges":[2,${2 + 2 ** -19}],"counts":[3]}`],
  ]);
  expect(events.flatMap((e) => (e.type === 'alert' ? [e.message] : []))).toEqual([
    expect.stringMatching(/^"half \\ud800" is left out: /),
    expect.stringMatching(/^"short" is left out: text: counts: a histogram of n counts needs n \+ 1 edges/),
    expect.stringMatching(/^"none" is left out: text: /),
  ]);
  expect(events.at(-1)).toMatchObject({ type: 'status', status: 'finished', step: 3 });
  expect(app.trouble).toEqual([]);
});

it('a traceback that comes before the request that says how the process ended is kept, and is not that of the next process', async () => {
  const name = 'failing';
  const begin = () =>
    post('/graphql', {
      operationName: 'UpsertBucket',
      query: 'mutation UpsertBucket { a }',
      variables: { name, project: 'lm', host: 'here' },
    });
  const stream = (body: object) => post(`/files/headroom/lm/${name}/file_stream`, body);
  const printed = (...lines: string[]) => {
    const content = lines.map((l) => `ERROR 2026-11-30T20:00:00.000000 ${l}`);
    return stream({ files: { 'output.log': { offset: 0, content } } });
  };
  const ended = () => stream({ files: {}, complete: true, exitcode: 1 });
  const view = () => app.hub.view(app.hub.summaries().find((run) => run.name === name)!.runId);
  await begin();
  await printed('the first words');
  await printed('Traceback (most recent call last):', '  File "train.py", line 3');
  await printed('RuntimeError: out of memory');
  await ended();
  const traceback = 'Traceback (most recent call last):\n  File "train.py", line 3\nRuntimeError: out of memory\n';
  expect(await view()).toMatchObject({ attempt: 1, status: 'failed', statusMessage: 'exit code 1', traceback });
  await begin();
  await ended();
  expect(await view()).toMatchObject({ attempt: 2, status: 'failed', statusMessage: 'exit code 1', traceback: null });
});

it('files are uploaded to the address at which the client reaches the server through a proxy', async () => {
  await post('/graphql', {
    operationName: 'UpsertBucket',
    query: 'a',
    variables: { name: 'behind', project: 'lm', host: 'here' },
  });
  const address = async (more: Record<string, string>) => {
    const variables = { project: 'lm', run: 'behind', files: ['a.png'] };
    const body = JSON.stringify({ operationName: 'CreateRunFiles', query: 'a', variables });
    const response = await fetch(`${app.url}/graphql`, { method: 'POST', headers: { ...headers(), ...more }, body });
    const { data } = (await response.json()) as { data: { createRunFiles: { files: { uploadUrl: string }[] } } };
    return new URL(data.createRunFiles.files[0]!.uploadUrl).origin;
  };
  expect(await address({})).toBe(app.url);
  expect(await address({ 'x-forwarded-proto': 'https', 'x-forwarded-host': 'lab.example:8443, inner' })).toBe(
    'https://lab.example:8443',
  );
});

it('what is not answered is named, also where the client names it in the query alone', async () => {
  const body = JSON.stringify({ operationName: '', query: 'mutation UpsertSweep($config: String) { a }', variables: {} });
  const response = await fetch(`${app.url}/graphql`, { method: 'POST', headers: headers(), body });
  expect(await response.json()).toEqual({ data: null, errors: [{ message: 'UpsertSweep is not answered here' }] });
});

it('lines, files and artifacts that a full disk did not take are taken once when the client sends them again', async () => {
  const memory = openMemoryStore();
  let isFull = false;
  const append: Store['append'] = async (write) => {
    if (isFull) throw new Error('database or disk is full');
    return memory.append(write);
  };
  const full = await startApp({ store: { ...memory, append } });
  const ask = async (method: string, path: string, body: string) => {
    const response = await fetch(full.url + path, { method, headers: headers(full), body });
    return { status: response.status, text: await response.text() };
  };
  /** Sent twice: with a full disk, and with space again. */
  async function again(method: string, path: string, body: unknown): Promise<void> {
    const text = typeof body === 'string' ? body : JSON.stringify(body);
    isFull = true;
    expect([path, (await ask(method, path, text)).status]).toEqual([path, 507]);
    isFull = false;
    expect([path, (await ask(method, path, text)).status]).toEqual([path, 200]);
  }
  const graphql = (operationName: string, variables: object) => JSON.stringify({ operationName, query: 'a', variables });
  const begin = () => ask('POST', '/graphql', graphql('UpsertBucket', { name: 'full', project: 'lm', host: 'here' }));
  const stream = '/files/headroom/lm/full/file_stream';
  const content = (...lines: string[]) => ({ offset: 0, content: lines });
  await begin();
  await ask(
    'POST',
    stream,
    JSON.stringify({ files: { 'wandb-history.jsonl': content(...[0, 1, 2].map((i) => line(i, { loss: i }))) } }),
  );

  // A second process starts again at step 1.
  await begin();
  const image = { _type: 'image-file', path: 'media/images/a.png' };
  const printed = (text: string) => content(`ERROR 2026-11-30T20:00:00.000000 ${text}`);
  await again('POST', stream, {
    files: {
      'wandb-history.jsonl': content(line(1, { loss: 10, image, odd: { _type: 'video-file' } })),
      'output.log': printed('Traceback (most recent call last):'),
    },
  });
  await again('POST', stream, { files: { 'output.log': printed('RuntimeError: out of memory') } });

  const asked = await ask(
    'POST',
    '/graphql',
    graphql('CreateRunFiles', { project: 'lm', run: 'full', files: [image.path, 'a.bin'] }),
  );
  const { files } = JSON.parse(asked.text).data.createRunFiles as { files: { uploadUrl: string }[] };
  const [picture, other] = files.map(({ uploadUrl }) => new URL(uploadUrl).pathname) as [string, string];
  await again('PUT', picture, 'a picture');
  await again('PUT', other, 'a\0b');
  const input = { projectName: 'lm', runName: 'full', artifactTypeName: 'model', artifactCollectionName: 'weights' };
  await again('POST', '/graphql', JSON.parse(graphql('CreateArtifact', { input })));
  await again('POST', stream, { files: {}, complete: true, exitcode: 1 });

  const { runId } = full.hub.summaries()[0]!;
  const { steps, values } = await full.hub.store.rows({ runId, stream: 'loss', fromStep: 0, toStep: null, limit: 10 });
  expect([[...steps], [...values]]).toEqual([
    [0, 1],
    [0, 10],
  ]);
  const { recent, traceback } = (await full.hub.view(runId))!;
  expect(recent.media.items).toMatchObject([{ name: 'image', kind: 'image', step: 1 }]);
  expect(recent.alerts.items.map((a) => a.message)).toEqual([
    'odd: samples of the type video-file are not kept here',
    "a.bin (3 bytes) is not kept: of a program's files, pictures and texts are",
    'the artifact weights is not kept here',
  ]);
  expect(traceback).toBe('Traceback (most recent call last):\nRuntimeError: out of memory\n');
  await full.close();
});
