import { afterEach, beforeEach, expect, it } from 'vitest';
import { connect } from '~/server/mcp/client';
import { unseenIn, withoutUnseen } from '~/shared/ids';
import { startApp, type TestApp } from '~/test/support/app';
import { publishedSetup } from '~/test/support/setups';

const you = { id: 'local', name: 'You', role: 'admin' } as const;
/** Reads "Ada sloot-nimda". */
const turned = 'Ada \u202eadmin-tools';
const refusal = 'it contains the invisible character U+202E; leave it out';

let app: TestApp;
let headroom: ReturnType<typeof connect>;
beforeEach(async () => {
  app = await startApp();
  headroom = connect({ url: app.url });
});
afterEach(() => app.close());

const post = async (path: string, body: object) => {
  const answer = await fetch(app.url + path, {
    method: 'POST',
    headers: { 'content-type': 'application/json', origin: app.url },
    body: JSON.stringify(body),
  });
  return [answer.status, await answer.json()] as const;
};

it('characters that turn the direction of reading, or hide, are found; those that languages and emoji need are not', () => {
  for (const char of [
    '\u061c',
    '\u200b',
    '\u200e',
    '\u200f',
    '\u202a',
    '\u202e',
    '\u2066',
    '\u2069',
    '\ufeff',
    '\u00ad',
    '\n',
    '\u007f',
  ])
    expect([unseenIn(`a${char}b`) === null, withoutUnseen(`a${char}b`)]).toEqual([false, 'ab']);
  for (const name of ['नमस्ते', 'می\u200cخواهم', '👩\u200d🔬', 'שלום run 2', 'مرحبا', 'e\u0301té', '🏳️\u200d🌈'])
    expect([unseenIn(name), withoutUnseen(name)]).toEqual([null, name]);
});

it('no name that somebody gives may contain them; the refusal names the field', async () => {
  const setup = publishedSetup('reverse', {}, { name: 'plain' });
  const { runId } = await app.hub.create(you, setup);
  await expect(headroom.runs.create.mutate({ setup: { ...setup, name: turned } })).rejects.toThrow(`setup.name: ${refusal}`);
  await expect(headroom.runs.create.mutate({ setup: { ...setup, project: turned } })).rejects.toThrow(
    `setup.project: ${refusal}`,
  );
  await expect(headroom.runs.create.mutate({ setup: { ...setup, tags: ['a', turned] } })).rejects.toThrow(
    `setup.tags.1: ${refusal}`,
  );
  expect((await headroom.runs.check.query({ setup: { ...setup, name: turned } })).problems).toEqual(
    expect.arrayContaining([{ field: 'name', message: refusal }]),
  );
  await expect(headroom.runs.label.mutate({ runId, name: turned })).rejects.toThrow(`name: ${refusal}`);
  await expect(headroom.runs.label.mutate({ runId, tagged: { add: [turned], remove: [] } })).rejects.toThrow(
    `tagged.add.0: ${refusal}`,
  );
  await expect(headroom.runs.branch.mutate({ runId, checkpoint: null, name: turned, changes: [], repeat: null })).rejects.toThrow(
    `name: ${refusal}`,
  );
  await expect(headroom.team.makeToken.mutate({ name: turned, scope: 'viewer', expiresInMs: null })).rejects.toThrow(
    `name: ${refusal}`,
  );
  const { secret } = await headroom.team.invite.mutate({ role: 'operator', uses: 2, expiresInMs: 3_600_000 });
  expect(await post('/api/join', { invite: secret, name: turned })).toEqual([400, { error: `name: ${refusal}`, field: 'name' }]);
});

it('a program is told too; what other programs send without our client loses them', async () => {
  expect(await post('/api/runs', { key: 'turned-run', name: turned })).toEqual([
    400,
    expect.objectContaining({ error: `name: ${refusal}` }),
  ]);
  await post('/api/runs', { key: 'plain-run', name: 'plain' });
  expect(await post('/api/runs/plain-run/setup', { tags: [turned] })).toEqual([
    400,
    expect.objectContaining({ error: `tags: ${refusal}` }),
  ]);
  const [, { run }] = await post('/api/2.0/mlflow/runs/create', { experiment_id: '0', run_name: turned });
  expect(run.info.run_name).toBe('Ada admin-tools');
});

it('two people whose names only look different to a computer are not both on the team', async () => {
  const join = async (name: string) => {
    const { secret } = await headroom.team.invite.mutate({ role: 'operator', uses: 1, expiresInMs: 3_600_000 });
    return (await post('/api/join', { invite: secret, name }))[0];
  };
  expect([await join('Ren\u00e9'), await join('Rene\u0301'), await join('\uff32en\u00e9')]).toEqual([200, 400, 400]);
});
