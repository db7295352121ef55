import { afterEach, beforeEach, expect, it } from 'vitest';
import { connect } from '~/server/mcp/client';
import { startApp, type TestApp } from '~/test/support/app';
import { publishedSetup } from '~/test/support/setups';

const you = { id: 'local', name: 'You', role: 'admin' } as const;
let app: TestApp;
let runId: string;
beforeEach(async () => {
  app = await startApp();
  ({ runId } = await app.hub.create(you, publishedSetup('reverse', {}, { name: 'r', tags: ['old', 'kept'] })));
});
afterEach(() => app.close());

const label = (labels: object) => connect({ url: app.url }).runs.label.mutate({ runId, ...labels });
const tags = async () => (await app.hub.view(runId))!.tags;

it('single tags are added and taken away: those that another person gave meanwhile stay', async () => {
  await label({ tags: ['old', 'kept', 'theirs'] });
  expect(await label({ tagged: { add: ['paper', 'kept'], remove: ['old', 'gone before'] } })).toMatchObject({ ok: true });
  expect(await tags()).toEqual(['kept', 'theirs', 'paper']);
  expect(await label({ tagged: { add: ['old'], remove: ['paper'] } })).toMatchObject({ ok: true });
  expect(await tags()).toEqual(['kept', 'theirs', 'old']);
});

it('a run that would have too many tags keeps those it has', async () => {
  const add = Array.from({ length: 49 }, (_, i) => `t${i}`);
  expect(await label({ tagged: { add, remove: [] } })).toEqual({
    ...{ ok: false, reason: 'invalid', message: 'the run would have 51 tags; 50 is the most', field: 'tagged.add' },
  });
  expect(await tags()).toEqual(['old', 'kept']);
});
