/** `headroom export` against a real server. */
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { main, usage } from '~/server/export/cli';
import { main as importFiles } from '~/server/import/cli';
import { startApp, type TestApp } from '~/test/support/app';
import { ownFolder } from '~/test/support/folder';

const folder = ownFolder();
const at = (name: string) => path.join(folder.path, name);
let app: TestApp;
const ids: string[] = [];
beforeAll(async () => {
  app = await startApp();
  for (const name of ['first run', 'second']) {
    writeFileSync(at(`${name}.csv`), 'step,loss\n0,1\n1,2\n2,NaN\n');
    const said: string[] = [];
    await importFiles([at(`${name}.csv`), '--json', '--server', app.url], { out: (text) => said.push(text), err: () => {} });
    ids.push((JSON.parse(said[0]!) as { runs: { runId: string }[] }).runs[0]!.runId);
  }
});
afterAll(async () => {
  await app?.close();
  folder.remove();
});

async function headroom(...argv: string[]): Promise<{ code: number; out: string; err: string }> {
  const said = { out: '', err: '' };
  const into = (stream: 'out' | 'err') => (text: string) => {
    said[stream] += `${text}\n`;
  };
  const server = argv.includes('--server') ? [] : ['--server', app.url];
  const code = await main([...argv, ...server], { out: into('out'), err: into('err') });
  return { code, ...said };
}

describe('headroom export', () => {
  it('writes a run to a file, with the parameters of the format', async () => {
    const said = await headroom(ids[0]!, '--format', 'csv', '--to', at('some.csv'), '--with', 'series=loss', '--with', 'from=1');
    expect(said).toEqual({ code: 0, out: `${at('some.csv')}\n`, err: '' });
    expect(
      readFileSync(at('some.csv'), 'utf8')
        .split(/\r?\n/)
        .map((line) => line.replace(/,\d{13},/, ',T,')),
    ).toEqual(['step,timeMs,loss', expect.stringMatching(/^1,.*,2$/), expect.stringMatching(/^2,.*,NaN$/), '']);
  });

  it('writes several runs into a folder, whole, under their names, and not over what is there', async () => {
    mkdirSync(at('out'));
    const said = await headroom(...ids, '--to', at('out'));
    const files = ['first-run.headroom', 'second.headroom'].map((name) => at(`out/${name}`));
    expect(said).toEqual({ code: 0, out: files.map((file) => `${file}\n`).join(''), err: '' });
    expect(readdirSync(at('out')).map((name) => at(`out/${name}`))).toEqual(files);
    const again = await headroom(ids[0]!, '--to', at('out'));
    expect(again).toEqual({ code: 1, out: '', err: `export: ${files[0]} is there already: name another file with --to\n` });
    const plan: string[] = [];
    await importFiles([files[0]!, '--plan', '--server', app.url], { out: (text) => plan.push(text), err: () => {} });
    expect(plan.join('\n')).toMatch(/^first run \(Headroom\)/);
  });

  it.each([
    [['nothing'], 'runId: there is no run nothing'],
    [['RUN', '--format', 'xlsx'], /^format: .*"headroom".*"npy"/],
    [['RUN', '--format', 'json', '--with', 'from=3'], 'from: only format csv takes it, json is of the whole run'],
    [['RUN', '--server', 'localhost:1'], '"localhost:1" is not the address of a server: give one like http://127.0.0.1:3000'],
    [['RUN', '--to', '/nowhere/at/all'], 'export: --to /nowhere/at/all: its folder is not there; make it first, or give another'],
    [['RUN', 'RUN', '--to', '/nowhere/at/all'], 'export: --to /nowhere/at/all: give a folder that is there for 2 runs'],
  ])('%o: says what is wrong', async (argv, problem) => {
    const { code, out, err } = await headroom(...argv.map((word) => (word === 'RUN' ? ids[0]! : word)));
    expect([code, out, err.trimEnd()]).toEqual([1, '', typeof problem === 'string' ? problem : expect.stringMatching(problem)]);
  });

  it('a parameter without a value is a wrong argument', async () => {
    expect(await headroom(ids[0]!, '--with', 'series')).toEqual({
      code: 2,
      out: '',
      err: '--with series: NAME=VALUE is needed, e.g. --with series=loss\n',
    });
  });

  it('leaves no file of an export that broke off', async () => {
    const server = createServer((_, response) => {
      response.write('step,loss\n', () => response.destroy());
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const said = await headroom('some', '--to', at('broken.csv'), '--server', `http://127.0.0.1:${port}`);
    expect(said).toEqual({ code: 1, out: '', err: `export: ${at('broken.csv')}: the server ended the export too early\n` });
    expect([existsSync(at('broken.csv')), existsSync(at('broken.csv.part'))]).toEqual([false, false]);
    server.close();
  });

  it('explains itself', async () => {
    expect(await headroom('--help')).toEqual({ code: 0, out: `${usage}\n`, err: '' });
  });
});
