import { afterEach, describe, expect, it } from 'vitest';
import { connect } from '~/server/mcp/client';
import { firstRuns } from '~/server/process/firstRuns';
import type { RecipeSpec } from '~/shared/recipes';
import { startApp, type TestApp } from '~/test/support/app';
import { recipeNamed } from '~/test/support/setups';
import { TrainerClient } from '~/test/support/trainerClient';

const flip: RecipeSpec = {
  name: 'flip',
  title: 'Flip',
  summary: 'flips',
  schema: {
    type: 'object',
    properties: { size: { type: 'integer', minimum: 1, maximum: 9, default: 4, title: 'Size' } },
    required: ['size'],
    additionalProperties: false,
  },
  presets: [
    { name: 'first', title: 'First', config: { size: 4 }, demo: true },
    { name: 'large', title: 'Large', config: { size: 9 } },
  ],
  actions: [{ name: 'halt', role: 'pause' }],
};

const opened: { close(): unknown }[] = [];
afterEach(async () => {
  for (const o of opened.splice(0).reverse()) await o.close();
});
const keep = <T extends { close(): unknown }>(o: T): T => {
  opened.push(o);
  return o;
};
const start = async (changes: Parameters<typeof startApp>[0] = {}): Promise<TestApp> => keep(await startApp(changes));
const join = async (app: TestApp, name: string, recipes: RecipeSpec[]) =>
  keep(await TrainerClient.connect(app.address, { name, recipes }));

describe('starting a run', () => {
  it('with commands and paused: they are in its log from its first entries on, and with the trainer before its first step', async () => {
    const app = await start();
    const trainer = await join(app, 'ada', [flip]);
    const { runs } = connect({ url: app.url });
    const { runId } = await runs.create.mutate({
      setup: { name: 'steered', recipe: { name: 'flip' }, config: {} },
      commands: [
        { kind: 'set', id: 'at-step-zero', control: 'clip', value: 2, when: { kind: 'step', step: 0 } },
        { kind: 'act', action: 'evaluate' },
      ],
      paused: true,
    });
    const entries = await runs.entries.query({ runId, fromSeq: 1, limit: 10, types: null });
    expect(entries.map(({ seq, event }) => [seq, event.type])).toEqual([
      [1, 'run.created'],
      [2, 'command.requested'],
      [3, 'command.requested'],
      [4, 'command.requested'],
    ]);
    expect(entries[0]!.event).toMatchObject({
      setup: { name: 'steered', project: 'default', tags: [], recipe: { name: 'flip', trainer: null }, config: { size: 4 } },
    });
    trainer.ready();
    const { commands, setup } = await trainer.assigned();
    expect(setup.config).toEqual({ size: 4 });
    expect(commands.map((c) => c.command)).toEqual([
      { kind: 'act', id: expect.any(String), runId, action: 'halt', args: {} },
      { kind: 'set', id: 'at-step-zero', runId, control: 'clip', value: 2, when: { kind: 'step', step: 0 } },
      { kind: 'act', id: expect.any(String), runId, action: 'evaluate', args: {} },
    ]);
  });

  it('paused is refused where the recipe declares no action for it', async () => {
    const app = await start();
    const { actions: _actions, ...plain } = flip;
    await join(app, 'ada', [plain]);
    const { runs } = connect({ url: app.url });
    const setup = { name: 'steered', recipe: { name: 'flip' }, config: {} };
    await expect(runs.create.mutate({ setup, paused: true })).rejects.toMatchObject({
      message: 'paused: its recipe declares no action with the role "pause"; start the run and pause it then',
    });
    expect(app.hub.summaries()).toEqual([]);
  });

  it('that does not fit is refused with every field, and leaves no run', async () => {
    const app = await start();
    await join(app, 'ada', [flip]);
    const { runs } = connect({ url: app.url });
    const wrong = { name: 'wrong', recipe: { name: 'flip' }, config: { size: 0, sise: 1 } };
    await expect(runs.create.mutate({ setup: wrong })).rejects.toMatchObject({
      message:
        'setup.config.sise: sise: there is no such setting; the config has size; setup.config.size: Size: 0 does not fit; give a whole number from 1 to 9',
      data: {
        field: 'setup.config.sise',
        problems: [
          { field: 'setup.config.sise', message: 'sise: there is no such setting; the config has size' },
          { field: 'setup.config.size', message: 'Size: 0 does not fit; give a whole number from 1 to 9' },
        ],
      },
    });
    const big = { name: 'big', recipe: { name: 'flip' }, config: { size: 1, text: 'x'.repeat(70_000) } };
    await expect(runs.create.mutate({ setup: big })).rejects.toThrow('setup.config: 70020 bytes as JSON; at most 65536 fit');
    const same = { kind: 'act', id: 'twice-the-same', action: 'evaluate' } as const;
    await expect(runs.create.mutate({ setup: { ...wrong, config: {} }, commands: [same, same] })).rejects.toMatchObject({
      data: { field: 'commands.1.id' },
    });
    expect(await runs.list.query()).toEqual([]);
  });

  it('is judged before it is asked for: what is wrong beside the config does not hide what is wrong in it', async () => {
    const app = await start();
    await join(app, 'ada', [flip]);
    const { runs } = connect({ url: app.url });
    const check = async (setup: unknown) => (await runs.check.query({ setup })).problems;
    expect(await check({ name: 'fine', recipe: { name: 'flip' }, config: {} })).toEqual([]);
    expect(await check({ name: ' ', tags: ['x'.repeat(41)], recipe: { name: 'flip' }, config: { size: 10 } })).toEqual([
      { field: 'name', message: 'give the run a name' },
      { field: 'tags.0', message: expect.stringContaining('40') },
      { field: 'config.size', message: 'Size: 10 does not fit; give a whole number from 1 to 9' },
    ]);
    expect((await check('nonsense')).map((p) => p.field)).toContain('');
    expect(await runs.list.query()).toEqual([]);
  });

  it('and why it waits is said: no trainer, none that can, all busy', async () => {
    const app = await start();
    const { runs } = connect({ url: app.url });
    const ada = await join(app, 'ada', [flip]);
    ada.close();
    await expect.poll(() => app.hub.registry.list()).toEqual([]);
    const create = async (name: string) =>
      (await runs.create.mutate({ setup: { name, recipe: { name: 'flip' }, config: {} } })).runId;
    const first = await create('first');
    const why = (runId: string) => runs.whyWaits.query({ runId });
    expect(await why(first)).toBe('no trainer is connected; it starts when one comes that has the recipe flip');
    await join(app, 'eve', [{ ...flip, name: 'other' }]);
    expect(await why(first)).toBe('no trainer here can take it: eve does not have the recipe flip');
    const bob = await join(app, 'bob', [flip]);
    bob.ready();
    await bob.assigned();
    expect(await why(first)).toBe(null);
    const second = await create('second');
    const third = await create('third');
    expect(await why(second)).toBe('bob can train it and is busy; it is number 1 of 2 in the queue');
    expect(await why(third)).toBe('bob can train it and is busy; it is number 2 of 2 in the queue');
  });
});

describe('the first runs of a room', () => {
  it('are the presets that recipes declare as demonstrations, started once when their trainer comes', async () => {
    const app = await start({ firstRuns: true });
    expect(app.hub.summaries()).toEqual([]);
    await join(app, 'ada', [flip]);
    const started = () => app.hub.summaries().map((r) => [r.name, r.recipe, r.createdBy.role]);
    await expect.poll(() => started().length).toBeGreaterThan(0);
    await join(app, 'bob', [flip]);
    expect(started()).toEqual([['Flip', 'flip', 'system']]);
  });

  it('are none where somebody has started a run before', async () => {
    const app = await start({ firstRuns: true });
    const own = { name: 'own', project: 'default', tags: [], recipe: { name: 'flip', trainer: null }, config: { size: 1 } };
    await app.hub.create({ id: 'local', name: 'You', role: 'admin' }, own);
    await join(app, 'ada', [flip]);
    await expect.poll(async () => (await app.hub.recipes.list()).length).toBeGreaterThan(0);
    await app.hub.recipes.idle();
    expect(app.hub.summaries().map((r) => r.name)).toEqual(['own']);
  });

  it('of the built-in trainer carry the names of their recipes', () => {
    const known = ['reverse', 'anomaly'].map((name) => ({ ...recipeNamed(name).spec, trainers: [] }));
    expect(firstRuns(known).map((s) => [s.name, s.recipe?.name])).toEqual([
      ['Reverse', 'reverse'],
      ['Odd one out', 'anomaly'],
    ]);
  });
});
