/** What arrives as the body of a request: packed or not, with a mark in front or not, and what is no text at all. */
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startApp, type TestApp } from '~/test/support/app';

let app: TestApp;
beforeAll(async () => {
  app = await startApp();
  await send('', Buffer.from('{"key": "of-all-kinds"}'));
});
afterAll(() => app.close());

async function send(where: string, body: Buffer, encoding?: string): Promise<Record<string, unknown>> {
  const response = await fetch(`${app.url}/api/runs${where}`, {
    method: 'POST',
    body: new Uint8Array(body),
    headers: { authorization: `Bearer ${app.trainerToken}`, ...(encoding && { 'content-encoding': encoding }) },
  });
  return { code: response.status, ...((await response.json()) as object) };
}
const log = (body: Buffer | string, encoding?: string) => send('/of-all-kinds/log', Buffer.from(body as string), encoding);
const row = '{"loss": 1}';

describe('the body of a request', () => {
  it('is read plain, with a byte order mark, and packed by gzip, with and without the header', async () => {
    for (const [body, encoding] of [
      [row],
      [row, 'identity'],
      [`\uFEFF${row}`],
      [gzipSync(row), 'gzip'],
      [gzipSync(row), 'GZIP'],
      [gzipSync(row)],
    ] as const)
      expect(await log(body, encoding)).toMatchObject({ code: 200, ok: true });
  });

  it('is refused where it cannot be read, with the reason', async () => {
    for (const [body, encoding, code, error] of [
      [row, 'br', 415, 'content-encoding: send the body as it is or with gzip, not br'],
      [row, 'gzip', 400, 'the body is not what its content-encoding says (gzip)'],
      [Buffer.from('{"caf\u00e9": 1}', 'latin1'), undefined, 400, 'the body is no UTF-8 text'],
    ] as const)
      expect(await log(body, encoding)).toMatchObject({ code, error });
  });

  it('of several lines, the wrong one is named by its number in the body', async () => {
    const said = await log(`${row}\n\n{"loss":\n`);
    expect(said).toMatchObject({ code: 400, error: expect.stringMatching(/^line 3: no JSON: /) });
  });

  it('of an open, names the field inside a field by its whole path', async () => {
    expect(await send('', Buffer.from('{"key": "a-fork-of-none", "fork": {"runId": "no", "step": 3}}'))).toMatchObject({
      code: 400,
      field: 'fork.runId',
      error: 'fork.runId: the id of a run has 6 to 32 lower-case letters or digits',
    });
  });
});

it('the answer to a request for commands has the fields of every answer', async () => {
  const response = await fetch(`${app.url}/api/runs/of-all-kinds/commands`);
  expect(Object.keys((await response.json()) as object)).toEqual([
    'ok',
    'repeated',
    'runId',
    'status',
    'step',
    'stop',
    'commands',
  ]);
});
