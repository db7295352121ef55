/** `headroom import` and the requests that it sends, against a real server. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { main, usage } from '~/server/import/cli';
import type { ImportPlan } from '~/shared/imports';
import { startApp, type TestApp } from '~/test/support/app';
import { ownFolder } from '~/test/support/folder';
import { eventFile, scalars } from '~/test/support/importing';

const folder = ownFolder();
afterAll(folder.remove);
let app: TestApp;
beforeAll(async () => {
  app = await startApp({ dataFolder: path.join(folder.path, 'data') });
  const logs = path.join(folder.path, 'logs');
  for (const version of ['a', 'b']) mkdirSync(path.join(logs, version), { recursive: true });
  writeFileSync(path.join(logs, 'a/metrics.csv'), 'step,loss\n0,1\n1,2\n');
  writeFileSync(path.join(logs, 'a/last.ckpt'), 'x');
  writeFileSync(path.join(logs, 'b/events.out.tfevents.1.h'), eventFile(scalars(1_700_000_000, 0, { loss: 3 })));
});
afterAll(() => app?.close());

async function headroom(...argv: string[]): Promise<{ code: number; out: string; err: string }> {
  const said = { out: '', err: '' };
  const terminal = {
    out(text: string) {
      said.out += `${text}\n`;
    },
    err(text: string) {
      said.err += `${text}\n`;
    },
  };
  const code = await main([...argv, '--server', app.url], terminal);
  return { code, ...said };
}
const runs = () =>
  app.hub
    .summaries()
    .map((s) => s.name)
    .sort();
const left = () => (existsSync(path.join(app.dataFolder, 'imports')) ? readdirSync(path.join(app.dataFolder, 'imports')) : []);
const at = (name: string) => path.join(folder.path, name);

describe('headroom import', () => {
  it('says what would come of a folder, and writes nothing', async () => {
    expect(await headroom(at('logs'), '--plan')).toEqual({
      code: 0,
      out: [
        'logs/a (CSV)',
        '  1 series, 2 rows, 2 values',
        '  steps 0 to 1, counted by "step"',
        'logs/b (TensorBoard)',
        '  1 series, 1 rows, 1 values',
        '  steps 0 to 0',
        '  2023-11-14 22:13:20 to 2023-11-14 22:13:20 UTC',
        'left out: files *.ckpt: 1 (logs/a/last.ckpt)',
        '',
      ].join('\n'),
      err: '',
    });
    expect([runs(), left()]).toEqual([[], []]);
  });

  it('makes a run of each, with its own times, in the project that is named', async () => {
    const { code, out } = await headroom(at('logs'), '--project', 'lm', '--json');
    const result = JSON.parse(out) as { runs: { name: string; runId: string }[] };
    expect([code, result.runs.map((r) => r.name), runs(), left()]).toEqual([0, ['logs/a', 'logs/b'], ['logs/a', 'logs/b'], []]);
    const view = (await app.hub.view(result.runs[1]!.runId))!;
    expect([view.setup.project, view.createdAt, view.setup.recipe, view.device]).toEqual(['lm', 1_700_000_000_000, null, null]);
  });

  it('says why, and imports the others', async () => {
    writeFileSync(at('bad.csv'), 'step,loss\n0,x1\n1,0x10\n');
    writeFileSync(at('good.csv'), 'n,loss\n5,1\n');
    const { code, out } = await headroom(at('bad.csv'), at('good.csv'), '--axis', 'n');
    expect(code).toBe(1);
    expect(out).toContain('bad: not imported: axis: there is no column "n"; there are step, loss');
    expect(out).toMatch(/^good: http.*\/runs\/\w+$/m);
  });

  it('two files of one name are two runs, named after their folders', async () => {
    for (const [name, value] of [
      ['one', 1],
      ['two', 2],
    ] as const) {
      mkdirSync(at(name), { recursive: true });
      writeFileSync(at(`${name}/metrics.csv`), `step,loss\n0,${value}\n`);
      writeFileSync(at(`${name}/events.out.tfevents.1.h`), eventFile(scalars(1_700_000_000, 0, { loss: value })));
    }
    const given = ['one', 'two'].flatMap((name) => [at(`${name}/metrics.csv`), at(`${name}/events.out.tfevents.1.h`)]);
    const { out } = await headroom(...given, at('one/metrics.csv'), '--plan', '--json');
    const { runs: planned } = JSON.parse(out) as ImportPlan;
    expect(planned.map(({ name, format, values }) => [name, format, values])).toEqual([
      ['one', 'TensorBoard', 1],
      ['one', 'CSV', 1],
      ['two', 'TensorBoard', 1],
      ['two', 'CSV', 1],
    ]);
  });

  it('a file that cannot be read is named', async () => {
    symlinkSync('loop', at('loop'));
    const said = await headroom(at('loop'));
    expect([said.code, said.err]).toEqual([1, `${at('loop')}: it cannot be read (ELOOP)\n`]);
  });

  it('a folder without a file, and the data folder of a server, are refused with what to do', async () => {
    mkdirSync(at('bare'));
    expect((await headroom(at('bare'))).err).toBe(`${at('bare')}: there is no file in it; give a folder that holds some\n`);
    expect((await headroom(app.dataFolder)).err).toBe(
      `${app.dataFolder}: it is the data folder of a server: start one on it (HEADROOM_DATA), and import what it exports as .headroom\n`,
    );
  });

  it.skipIf(process.platform === 'win32')('what is no file is refused instead of waited for', async () => {
    execFileSync('mkfifo', [at('pipe')]);
    const said = await headroom(at('pipe'));
    expect([said.code, said.err]).toEqual([1, expect.stringContaining('it is neither a file nor a folder')]);
  });

  it.each([
    [['nosuch'], 1, 'nosuch: there is no such file or folder'],
    [['nosuch', '--token', 'a\nb'], 1, 'the token (--token or HEADROOM_TOKEN) has characters that no token has: copy it again'],
    [['--nosuch'], 2, "Unknown option '--nosuch'"],
    [['nosuch', '--token', 'a', '--token', 'b'], 2, '--token is given twice; give it once'],
    [[], 2, usage],
  ])('%j is refused', async (argv, code, words) => {
    const said = await headroom(...argv);
    expect([said.code, said.err]).toEqual([code, expect.stringContaining(words)]);
  });

  it('leaves no file on the server when it is interrupted', async () => {
    writeFileSync(at('long.csv'), `step,loss\n${Array.from({ length: 300_000 }, (_, i) => `${i},${i / 7}`).join('\n')}\n`);
    const before = runs();
    const control = new AbortController();
    const said: string[] = [];
    const terminal = { out() {}, err: (text: string) => void said.push(text), signal: control.signal };
    const code = main([at('long.csv'), '--server', app.url], terminal);
    await vi.waitFor(() => expect(left()).toHaveLength(1));
    control.abort();
    expect([await code, said, left(), runs()]).toEqual([1, ['canceled: runs that were written whole stay'], [], before]);
  });

  it('leaves no file on the server when it is interrupted before the server has answered', async () => {
    const control = new AbortController();
    const slow = createServer(async (request, response) => {
      const answer = await fetch(app.url + request.url, { method: request.method! });
      control.abort();
      response.writeHead(answer.status).end(await answer.text());
    });
    await new Promise<void>((done) => void slow.listen(0, '127.0.0.1', done));
    const { port } = slow.address() as AddressInfo;
    const said: string[] = [];
    const terminal = { out() {}, err: (text: string) => void said.push(text), signal: control.signal };
    const code = await main([at('logs'), '--server', `http://127.0.0.1:${port}`], terminal);
    expect([code, said, left()]).toEqual([1, ['canceled: runs that were written whole stay'], []]);
    slow.close();
  });

  it('a server that is away is said', async () => {
    const said: string[] = [];
    const code = await main([at('good.csv'), '--server', 'http://127.0.0.1:9'], {
      out() {},
      err: (text) => void said.push(text),
    });
    expect([code, said.join()]).toEqual([
      1,
      expect.stringMatching(/^http:\/\/127\.0\.0\.1:9 cannot be reached .*: start the server, or give its address$/),
    ]);
  });
});

describe('an import in steps', () => {
  const ask = async (method: string, address: string, body?: string | object) => {
    const answer = await fetch(`${app.url}/api/imports${address}`, {
      method,
      ...(body && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    const text = await answer.text();
    return { status: answer.status, body: text ? JSON.parse(text) : null };
  };

  it('another axis gives another plan, and only the runs that are wanted are written, under the names that are given', async () => {
    const { id } = (await ask('POST', '')).body as { id: string };
    for (const name of ['x.csv', 'y.csv'])
      expect((await ask('PUT', `/${id}/files?path=${name}`, 'iteration,tokens,loss\n0,10,1.5\n1,30,2.5\n')).status).toBe(204);
    const plan = async (body: object) =>
      ((await ask('POST', `/${id}/plan`, body)).body as ImportPlan).runs.map((r) => [r.key, r.axis, r.steps]);
    expect(await plan({})).toEqual([
      ['x.csv', 'iteration', { first: 0, last: 1 }],
      ['y.csv', 'iteration', { first: 0, last: 1 }],
    ]);
    expect(await plan({ runs: [{ key: 'y.csv', axis: 'tokens' }] })).toEqual([
      ['x.csv', 'iteration', { first: 0, last: 1 }],
      ['y.csv', 'tokens', { first: 10, last: 30 }],
    ]);
    const before = runs().length;
    const written = await ask('POST', `/${id}/runs`, { runs: [{ key: 'y.csv', axis: 'tokens', name: 'My run' }] });
    expect([written.status, written.body.runs.map((r: { name: string }) => r.name), runs().length - before]).toEqual([
      201,
      ['My run'],
      1,
    ]);
    expect(await ask('POST', `/${id}/plan`, {})).toEqual({
      status: 404,
      body: { error: `there is no open import ${id}: it ended, or an hour went by; send the files again` },
    });
    expect(left()).toEqual([]);
  });

  it('files of one name are runs of their own', async () => {
    const { id } = (await ask('POST', '')).body as { id: string };
    for (const rows of ['0,1\n', '0,1\n1,2\n']) await ask('PUT', `/${id}/files?path=x.csv`, `step,loss\n${rows}`);
    const { runs: planned } = (await ask('POST', `/${id}/plan`, {})).body as ImportPlan;
    expect(planned.map(({ key, name, rows }) => [key, name, rows])).toEqual([
      ['x.csv', 'x', 1],
      ['x.csv (2)', 'x (2)', 2],
    ]);
    await ask('DELETE', `/${id}`);
  });

  it('that is given up leaves nothing', async () => {
    const { id } = (await ask('POST', '')).body as { id: string };
    await ask('PUT', `/${id}/files?path=x.csv`, 'step,loss\n0,1\n');
    expect([(await ask('DELETE', `/${id}`)).status, left()]).toEqual([204, []]);
  });

  it.each([
    ['PUT', '/:id/files', 'path: the name of the file is needed, of 1 to 1000 characters'],
    ['POST', '/:id/plan', 'the body is not JSON'],
  ])('%s %s with nothing that fits is refused', async (method, address, words) => {
    const { id } = (await ask('POST', '')).body as { id: string };
    const answer = await ask(method, address.replace(':id', id), '{');
    expect([answer.status, answer.body.error]).toEqual([400, expect.stringContaining(words)]);
    await ask('DELETE', `/${id}`);
  });
});
