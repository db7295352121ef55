import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { connect } from '~/server/mcp/client';
import type { Store } from '~/server/store';
import type { TrainerEvent } from '~/shared/events';
import { startApp, type TestApp } from '~/test/support/app';
import { publishedSetup } from '~/test/support/setups';
import { blobOf, refOf, runStarted, startValues } from '~/test/support/synthetic';
import { TrainerClient } from '~/test/support/trainerClient';

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

it('a branch that is asked for again with its id is the branch that is there', async () => {
  const trainer = await TrainerClient.connect(app.address);
  const { runId } = await app.hub.create(you, setup);
  trainer.ready();
  await trainer.assigned();
  const saved = blobOf(new TextEncoder().encode('its state'));
  await trainer.put(saved);
  const checkpoint = refOf(saved);
  await trainer.send(runStarted(0, startValues(setup)), {
    ...{ type: 'checkpoint', step: 0, blob: checkpoint, trigger: 'cadence', commandId: null, lastCommandSeq: 0 },
  } as TrainerEvent);
  const ask = () =>
    app.hub.branch(you, {
      runId,
      branchId: 'mine000002',
      checkpoint: checkpoint.hash,
      name: 'branch',
      changes: [],
      repeat: null,
    });
  expect(await Promise.all([ask(), ask()])).toEqual(Array(2).fill({ ok: true, runId: 'mine000002' }));
  expect(await ask()).toEqual({ ok: true, runId: 'mine000002' });
  expect(app.hub.summaries()).toHaveLength(2);

  // Thinning asks in a turn of the parent whether a branch needs the checkpoint.
  const { runId: other } = await app.hub.create(you, setup);
  const order: string[] = [];
  let turn: Promise<unknown> = Promise.resolve();
  const { store } = app.hub as unknown as { store: Store };
  const append = store.append.bind(store);
  const spy = vi.spyOn(store, 'append').mockImplementationOnce(async (write) => {
    turn = app.hub.decide(runId, () => {
      order.push('a turn of the parent');
      return [];
    });
    await app.hub.decide(other, () => []);
    order.push('the branch names it');
    return append(write);
  });
  await app.hub.branch(you, { runId, checkpoint: checkpoint.hash, name: 'branch', changes: [], repeat: null });
  await turn;
  expect(order).toEqual(['the branch names it', 'a turn of the parent']);
  spy.mockRestore();

  await store.removeSmallBlob(checkpoint.hash);
  expect(await app.hub.branch(you, { runId, checkpoint: checkpoint.hash, name: 'too late', changes: [], repeat: null })).toEqual({
    ok: false,
    reason: 'state',
    message: 'checkpoint: the checkpoint at step 0 is no longer kept here',
    field: 'checkpoint',
  });
  trainer.close();
});

it('a start that was refused may be asked for again with its id', async () => {
  const ask = (value: number) => {
    const commands = [{ kind: 'set', id: 'twice-given', control: 'clipThreshold', value }] as const;
    return app.hub.create(you, setup, { runId: 'mine000003', commands: value < 0 ? [...commands, ...commands] : [...commands] });
  };
  await expect(ask(-1)).rejects.toThrow('commands.1.id: twice-given is the id of an earlier one');
  expect(await ask(1)).toEqual({ runId: 'mine000003' });
});

it('an id that no run can have is refused with what fits', async () => {
  const bad = connect({ url: app.url }).runs.create.mutate({ setup, runId: 'My run' });
  await expect(bad).rejects.toThrow('the id of a run has 6 to 32 lower-case letters or digits');
});
