import { afterEach, beforeEach, expect, it } from 'vitest';
import { connect } from '~/server/mcp/client';
import { startApp, type TestApp } from '~/test/support/app';
import { publishedSetup } from '~/test/support/setups';

const you = { id: 'local', name: 'You', role: 'admin' } as const;
const setup = publishedSetup('reverse');
let app: TestApp;
beforeEach(async () => {
  app = await startApp();
});
afterEach(() => app.close());

it('a start that is asked for again with its id, after its answer was lost, is the run that it started', async () => {
  const start = () => app.hub.create(you, setup, { runId: 'mine000001' });
  expect(await Promise.all([start(), start()])).toEqual([{ runId: 'mine000001' }, { runId: 'mine000001' }]);
  expect(await start()).toEqual({ runId: 'mine000001' });
  expect(app.hub.summaries().map((r) => r.runId)).toEqual(['mine000001']);
  const { runId } = await app.hub.create(you, setup);
  expect(runId).not.toBe('mine000001');
});

it('the id of another person’s run is refused', async () => {
  await app.hub.create({ id: 'u2', name: 'Bob', role: 'operator' }, setup, { runId: 'theirs0001' });
  await expect(app.hub.create(you, setup, { runId: 'theirs0001' })).rejects.toThrow(
    expect.objectContaining({
      field: 'runId',
      message: 'runId: there is another run theirs0001; give another id, or leave it out',
    }),
  );
});

it('an id that no run can have is refused with what fits', async () => {
  const bad = connect({ url: app.url }).runs.create.mutate({ setup, runId: 'My run' });
  await expect(bad).rejects.toThrow('the id of a run has 6 to 32 lower-case letters or digits');
});
