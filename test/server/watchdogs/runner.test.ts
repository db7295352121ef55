import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, it } from 'vitest';
import { connect } from '~/server/mcp/client';
import { localAdmin } from '~/server/team/people';
import { startWatchdogs, type WatchdogDeps } from '~/server/watchdogs/runner';
import type { TrainerEvent } from '~/shared/events';
import { startApp } from '~/test/support/app';
import { fakeClock } from '~/test/support/fakeClock';
import { openMemoryStore } from '~/test/support/memoryStore';
import { publishedSetup } from '~/test/support/setups';
import { blobOf, controls, refOf, series } from '~/test/support/synthetic';
import { TrainerClient } from '~/test/support/trainerClient';

const started: TrainerEvent = {
  type: 'started',
  step: 0,
  device: { backend: 'cpu', device: 'CPU' },
  streams: [{ stream: 'steps', columns: series }],
  controls,
  values: Object.fromEntries(controls.values.map((c) => [c.name, c.default])),
  lengths: { stepsPerEpoch: 10, totalSteps: 100 },
};
const row = (firstStep: number, loss: number): TrainerEvent => ({
  type: 'rows',
  stream: 'steps',
  steps: { first: firstStep, count: 1 },
  values: Float64Array.from(series, (s) => (s.name === 'loss' ? loss : 1)),
});

it('a NaN loss pauses the run, says why in its log, and tells the webhook', async () => {
  let received: (payload: unknown) => void = () => {};
  const posted = new Promise((resolve) => {
    received = resolve;
  });
  const service = createServer(async (request, response) => {
    let text = '';
    for await (const chunk of request) text += chunk;
    response.end();
    received(JSON.parse(text));
  }).listen(0, '127.0.0.1');
  await new Promise((resolve) => service.once('listening', resolve));
  const url = `http://127.0.0.1:${(service.address() as AddressInfo).port}/hook`;

  const app = await startApp({ privateWebhooks: true });
  const admin = { id: 'local', name: 'You', role: 'admin' } as const;
  const { runId } = await app.hub.create(admin, publishedSetup('reverse'));
  const rules = await fetch(`${app.url}/api/trpc/team.setWatchdogs`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      runId,
      rules: {
        rules: [{ kind: 'not-finite', enabled: true, reactions: ['webhook', 'snapshot', 'pause'] }],
        webhooks: [{ url, format: 'json' }],
      },
    }),
  });
  expect(rules.status).toBe(200);
  const shown = await fetch(`${app.url}/api/trpc/team.watchdogs?input=${encodeURIComponent(JSON.stringify({ runId }))}`);
  expect(await shown.text()).not.toContain('/hook');

  const trainer = await TrainerClient.connect(app.address);
  trainer.ready();
  await trainer.assigned();
  await trainer.send(started, row(0, 2), row(1, Number.NaN));

  const asked = [await trainer.received.next('command'), await trainer.received.next('command')];
  expect(asked.map(({ actor, command }) => [actor.name, command.kind === 'act' && command.action])).toEqual([
    ['Watchdog', 'pause'],
    ['Watchdog', 'snapshot'],
  ]);
  const message = 'at step 1 the loss is NaN';
  expect(await posted).toEqual({
    run: 'Reverse',
    runId,
    kind: 'not-finite',
    step: 1,
    message,
    link: `${app.url}/runs/${runId}?step=1`,
  });
  const view = await app.hub.view(runId);
  expect(view?.recent.alerts.items).toMatchObject([
    { kind: 'not-finite', step: 1, level: 'error', message: `${message}; pause asked for; snapshot asked for` },
  ]);
  trainer.close();
  await app.close();
  service.close();
});

it('a webhook that does not answer delays no other; links lead to where people reach the server, below its path', async () => {
  let received: (payload: unknown) => void = () => {};
  const posted = new Promise((resolve) => {
    received = resolve;
  });
  // The first post, to either of the two, is never answered.
  let first = true;
  const service = createServer(async (request, response) => {
    let text = '';
    for await (const chunk of request) text += chunk;
    if (first) {
      first = false;
      return;
    }
    response.end();
    received(JSON.parse(text));
  }).listen(0, '127.0.0.1');
  await new Promise((resolve) => service.once('listening', resolve));
  const url = `http://127.0.0.1:${(service.address() as AddressInfo).port}/`;
  const app = await startApp({ privateWebhooks: true, basePath: '/headroom', address: 'https://lab.example' });
  const { runId } = await app.hub.create(localAdmin, publishedSetup('reverse'));
  await connect({ url: app.url }).team.setWatchdogs.mutate({
    runId,
    rules: {
      rules: [{ kind: 'not-finite', enabled: true, reactions: ['webhook'] }],
      webhooks: [
        { url: `${url}one`, format: 'json' },
        { url: `${url}two`, format: 'json' },
      ],
    },
  });
  const trainer = await TrainerClient.connect(app.address);
  trainer.ready();
  await trainer.assigned();
  await trainer.send(started, row(0, Number.NaN));
  expect(await posted).toMatchObject({ link: `https://lab.example/headroom/runs/${runId}?step=0` });
  trainer.close();
  service.closeAllConnections();
  service.close();
  await app.close();
});

it('rules that are changed hold for a run that has stalled already', async () => {
  const clock = fakeClock();
  const app = await startApp({ store: openMemoryStore(), clock });
  const { runId } = await app.hub.create(localAdmin, publishedSetup('reverse'));
  const trainer = await TrainerClient.connect(app.address);
  trainer.ready();
  await trainer.assigned();
  await trainer.send(started, row(0, 2), { type: 'status', status: 'running', step: 1, message: '' });
  await connect({ url: app.url }).team.setWatchdogs.mutate({
    runId,
    rules: { rules: [{ kind: 'stalled', enabled: true, reactions: [], seconds: 1 }], webhooks: [] },
  });
  // Far less than the time of the rule that holds for every run.
  let seconds = 0;
  const alerts = async () => {
    if (seconds++ < 20) clock.advance(1_000);
    return (await app.hub.view(runId))!.recent.alerts.items;
  };
  await expect.poll(alerts).toMatchObject([{ kind: 'stalled' }]);
  trainer.close();
  await app.close();
});

it('a rule pauses and saves by the actions of these roles, whatever their names, and says what the run does not declare', async () => {
  const app = await startApp();
  const you = { id: 'local', name: 'You', role: 'admin' } as const;
  const { runId } = await app.hub.create(you, publishedSetup('reverse'));
  const trainer = await TrainerClient.connect(app.address);
  trainer.ready();
  await trainer.assigned();
  const action = (name: string, role?: 'pause') => ({ ...controls.actions[0]!, name, role });
  const named = [action('pause'), action('halt', 'pause'), action('snapshot')];
  await trainer.send({ ...started, controls: { ...controls, actions: named } } as TrainerEvent, row(0, Number.NaN));
  expect((await trainer.received.next('command')).command).toMatchObject({ kind: 'act', action: 'halt', args: {} });
  const alerts = async () => (await app.hub.view(runId))!.recent.alerts.items;
  await expect.poll(alerts).toMatchObject([
    {
      kind: 'not-finite',
      message: 'at step 0 the loss is NaN; pause asked for; snapshot not possible: this program has declared no such action',
    },
  ]);
  trainer.close();
  await app.close();
});

it('a rule branches from the last checkpoint before it fired, and not again from that branch', async () => {
  const app = await startApp();
  const admin = { id: 'local', name: 'You', role: 'admin' } as const;
  const { runId } = await app.hub.create(admin, publishedSetup('reverse'));
  const rules = { rules: [{ kind: 'not-finite', enabled: true, reactions: ['branch'] }], webhooks: [] };
  const set = await fetch(`${app.url}/api/trpc/team.setWatchdogs`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ runId: null, rules }),
  });
  expect(set.status).toBe(200);
  const alertOf = (id: string) =>
    new Promise<string>((resolve) => {
      const stop = app.hub.onEntries((changed, entries) => {
        const found = entries.find((e) => e.event.type === 'alert');
        if (changed !== id || found?.event.type !== 'alert') return;
        stop();
        resolve(found.event.message);
      });
    });
  const blobAt = (step: number) => blobOf(new TextEncoder().encode(`state at ${step}`));
  const checkpoint = (step: number): TrainerEvent => ({
    type: 'checkpoint',
    step,
    blob: refOf(blobAt(step)),
    trigger: 'cadence',
    commandId: null,
    lastCommandSeq: 0,
  });
  const trainer = await TrainerClient.connect(app.address);
  for (const step of [1, 2]) await trainer.put(blobAt(step));
  trainer.ready();
  await trainer.assigned();
  const first = alertOf(runId);
  await trainer.send(started, row(0, 2), checkpoint(1), row(1, Number.NaN), checkpoint(2));
  const branchId = /^at step 1 the loss is NaN; branched as run (\w+)$/.exec(await first)![1]!;
  expect(await app.hub.view(branchId)).toMatchObject({
    setup: { name: 'Reverse, before not-finite at 1' },
    parent: { runId, step: 1, checkpoint: refOf(blobAt(1)) },
    createdBy: { name: 'Watchdog' },
  });
  await trainer.send({ type: 'status', status: 'stopped', step: 2, message: '' });
  trainer.ready();
  await trainer.assigned();
  const second = alertOf(branchId);
  await trainer.send({ ...started, step: 1 } as TrainerEvent, row(1, Number.NaN));
  expect(await second).toBe('at step 1 the loss is NaN; branch not made: this run is a branch of the watchdog already');
  trainer.close();
  await app.close();
});

it('a pause whose turn comes after the run went back is not asked for, and nothing is told: its reason was taken back', async () => {
  const app = await startApp();
  const { runId } = await app.hub.create(localAdmin, publishedSetup('reverse'));
  const trainer = await TrainerClient.connect(app.address);
  trainer.ready();
  await trainer.assigned();
  // One message, and so one turn: what it leads to comes after the rewind.
  await trainer.send(started, row(0, 2), row(1, Number.NaN), { type: 'rewind', step: 1 }, row(1, 2));
  await trainer.send(row(2, Number.NaN));
  const alerts = async () => (await app.hub.view(runId))!.recent.alerts.items;
  await expect
    .poll(alerts)
    .toMatchObject([{ kind: 'not-finite', message: 'at step 2 the loss is NaN; pause asked for; snapshot asked for' }]);
  expect((await app.hub.view(runId))!.counts.commands.count).toBe(2);
  trainer.close();
  await app.close();
});

it('what is not told because the run went back in that moment goes to no webhook either', async () => {
  const app = await startApp();
  const { runId } = await app.hub.create(localAdmin, publishedSetup('reverse'));
  const trainer = await TrainerClient.connect(app.address);
  trainer.ready();
  await trainer.assigned();
  await trainer.send(started, { type: 'status', status: 'running', step: 0, message: '' });
  const view = (await app.hub.view(runId))!;
  const rules = {
    rules: [{ kind: 'not-finite', enabled: true, reactions: ['webhook'] }],
    webhooks: [{ url: 'x', format: 'json' }],
  };
  const checkpoint = { seq: 1, step: 0, blob: refOf(blobOf(Uint8Array.of(1))), lastCommandSeq: 0 };
  const posted: string[] = [];
  const told: number[] = [];
  let arrive: Parameters<WatchdogDeps['hub']['onEntries']>[0] = () => {};
  const now = [{ ...view, pendingRevert: { commandId: 'revert-1', checkpoint } }, view];
  const stop = startWatchdogs({
    hub: {
      ...app.hub,
      async decide(_runId, choose) {
        told.push([await choose(now.shift()!, app.hub.store as never)].flat().length);
        return { ok: true, seq: 0 };
      },
      onEntries(listener) {
        arrive = listener;
        return () => {};
      },
    },
    auditLog: { team: { watchdogs: { ofRun: {}, everywhere: rules } } } as never,
    clock: fakeClock(),
    dataFolder: '/',
    url: '',
    delivery: {
      address: async () => 'https://service.example/hook',
      async post(_url, body) {
        posted.push(JSON.parse(body).step);
        return 200;
      },
      pause: async () => {},
    },
    onError(error) {
      throw error;
    },
  });
  for (const [seq, event] of [row(0, Number.NaN), row(1, 1), row(2, Number.NaN)].entries())
    arrive(runId, [{ seq, attempt: 1, at: 0, event } as never], view);
  await expect.poll(() => posted).toEqual([2]);
  expect(told).toEqual([0, 1]);
  stop();
  trainer.close();
  await app.close();
});
