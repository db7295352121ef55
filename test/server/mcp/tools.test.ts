/** An agent's tools as it calls them: over the SDK's client, against the server with everything real but the pipe. */

import { setTimeout as pause } from 'node:timers/promises';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { InMemoryTransport } from '@modelcontextprotocol/sdk/inMemory.js';
import { createTRPCClient, httpBatchLink } from '@trpc/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connect } from '~/server/mcp/client';
import { createMcpServer } from '~/server/mcp/tools';
import type { AppRouter } from '~/server/trpc';
import { transformer } from '~/shared/json';
import { paths } from '~/shared/protocol';
import { startApp, type TestApp } from '~/test/support/app';
import { type ScriptedTrainer, startScriptedTrainer } from '~/test/support/scriptedTrainer';
import { configOf, publishedSetup, recipeNamed, withConfig } from '~/test/support/setups';
import { TestViewer } from '~/test/support/viewer';
import { builtinRecipes } from '~/trainer/recipes';

type Signals = { steps: number[]; shapes: { heads: number }[][]; leftOut: number };
const setup = publishedSetup('reverse', { probeSize: 2, checkpointEverySteps: 10, snapshotEverySteps: 20 }, { name: 'watched' });
let app: TestApp;
let trainer: ScriptedTrainer;
let runId: string;
let admin: ReturnType<typeof createTRPCClient<AppRouter>>;
const opened: { close(): unknown }[] = [];

beforeAll(async () => {
  app = await startApp({ loginRequired: true });
  const invite = new URL(app.adminLink!, app.url).searchParams.get('invite')!;
  const joined = await fetch(`${app.url}/api/join`, { method: 'POST', body: JSON.stringify({ invite, name: 'Root' }) });
  const headers = { cookie: joined.headers.get('set-cookie')!.split(';')[0]! };
  admin = createTRPCClient<AppRouter>({ links: [httpBatchLink({ url: `${app.url}${paths.trpc}`, transformer, headers })] });
  trainer = await startScriptedTrainer(app.address, { stepMs: 1 });
  ({ runId } = await admin.runs.create.mutate({ setup }));
  // It stands still at a known place: past a snapshot and a checkpoint.
  const viewer = await TestViewer.connect(app.url, headers);
  await viewer.watch(runId);
  await viewer.until((v) => v.recent.snapshots.items.length > 2 && v.recent.checkpoints.items.length > 2);
  await viewer.command({ kind: 'act', id: 'pause-for-tests', runId, action: 'pause', args: {} });
  await viewer.until((v) => v.status === 'paused');
  viewer.close();
});
afterAll(async () => {
  for (const o of opened) await o.close();
  trainer.close();
  await app.close();
});

/** An agent with a token of this scope; undefined = without one. */
async function agent(scope?: 'viewer' | 'operator') {
  const made = scope && (await admin.team.makeToken.mutate({ name: `${scope} agent`, scope, expiresInMs: null }));
  const server = { url: app.url, token: made?.secret };
  const mcp = createMcpServer({ server, client: connect(server), pause: (ms) => pause(ms) });
  const [here, there] = InMemoryTransport.createLinkedPair();
  const client = new Client({ name: 'test', version: '1' });
  await Promise.all([mcp.connect(there), client.connect(here)]);
  opened.push(client, mcp);
  return {
    client,
    async call(name: string, args: Record<string, unknown> = {}) {
      const { content, isError } = (await client.callTool({ name, arguments: args })) as {
        content: { text: string }[];
        isError?: boolean;
      };
      return isError ? { error: content[0]!.text } : JSON.parse(content[0]!.text);
    },
  };
}

describe('an agent', () => {
  it('finds its tools declared, with what only reads marked', async () => {
    const { client } = await agent('viewer');
    const { tools } = await client.listTools();
    expect(tools.filter((t) => t.annotations?.readOnlyHint).map((t) => t.name)).toEqual([
      'list_runs',
      'get_run',
      'read_series',
      'list_series',
      'read_attention_signals',
      'read_snapshot',
      'list_recipes',
    ]);
    expect(tools.find((t) => t.name === 'request_command')!.inputSchema.required).toEqual(['runId']);
  });

  it('lists and reads runs, series, signals and attention with a viewer’s token', async () => {
    const { call } = await agent('viewer');
    const view = await admin.runs.view.query({ runId });
    expect(await call('list_runs')).toMatchObject({
      total: 1,
      problems: [],
      runs: [{ runId, name: 'watched', status: 'paused', step: view.step }],
    });
    expect(await call('list_runs', { search: 'status=running' })).toEqual({ total: 0, problems: [], runs: [] });
    expect(await call('get_run', { runId })).toMatchObject({
      runId,
      status: 'paused',
      step: view.step,
      checkpoints: view.recent.checkpoints.items.map((c) => ({ step: c.step, hash: c.blob.hash })),
    });
    const range = await admin.runs.range.query({ runId, series: ['loss'], fromStep: 0, toStep: 5, buckets: 5 });
    expect(await call('read_series', { runId, series: ['loss'], toStep: 5, buckets: 5 })).toMatchObject({
      series: [
        {
          name: 'loss',
          bucketSteps: 1,
          points: [...range.series[0]!.last].map((loss, step) => ({ step, rows: 1, min: loss, max: loss, last: loss })),
        },
      ],
    });
    expect(await call('read_series', { runId, series: ['loss', 'lost'] })).toEqual({
      error: `series: run ${runId} has no lost; list_series names those there are`,
    });
    // As text that an agent can read: numbers in lists.
    const steps = view.recent.snapshots.items.map((s) => s.step);
    const signals = (await call('read_attention_signals', { runId })) as Signals;
    expect(signals.steps).toEqual(steps);
    expect(((await call('read_attention_signals', { runId, step: steps[1]!, limit: 1 })) as Signals).steps).toEqual([steps[1]]);
    expect([signals.shapes[0]!.length, signals.shapes[0]![0]!.heads]).toEqual([
      configOf(setup).model.layers,
      configOf(setup).model.heads,
    ]);
    const map = (await call('read_snapshot', { runId, step: 21, example: 1 })) as { step: number; map: number[][] };
    expect([map.step, map.map.length]).toEqual([20, map.map[0]!.length]);
    for (const row of map.map) expect(row.reduce((a, b) => a + b, 0)).toBeCloseTo(1, 5);
    expect(await call('read_snapshot', { runId, step: 0, head: 99 })).toEqual({
      error: `head: 99 is not below ${configOf(setup).model.heads}`,
    });
    expect(await call('get_run', { runId: 'nothere' })).toEqual({ error: 'runId: there is no run nothere' });
  });

  it('reads of many heads the signals of as many snapshots as an agent can take, and is told how many more there are', async () => {
    const model = { ...configOf(setup).model, layers: 32, heads: 4 };
    const many = await admin.runs.create.mutate({ setup: { ...withConfig(setup, { model }), name: 'many heads' } });
    const own = await startScriptedTrainer(app.address, { stepMs: 0 });
    opened.push(own);
    await expect
      .poll(async () => (await admin.runs.view.query({ runId: many.runId })).step, { timeout: 60_000 })
      .toBeGreaterThan(300);
    const { call } = await agent('viewer');
    const signals = (await call('read_attention_signals', { runId: many.runId, step: 300, limit: 16 })) as Signals;
    expect(signals.steps.length + signals.leftOut).toBe(16);
    expect(signals.leftOut).toBeGreaterThan(0);
    expect(signals.steps.at(-1)).toBe(300);
    expect(JSON.stringify(signals).length).toBeLessThan(50_000);
  });

  it('steers with an operator’s token, under its own name, and is told the outcome', async () => {
    const { call } = await agent('operator');
    expect(await call('request_command', { runId, control: 'clipThreshold', value: 2, expected: 5 })).toMatchObject({
      status: 'applied',
      before: 5,
      after: 2,
    });
    const record = (await admin.runs.view.query({ runId })).recent.commands.items.at(-1)!;
    expect(record.actor).toMatchObject({ name: 'operator agent', role: 'operator' });
    // The outcome is told once it is committed; the audit log follows what is committed.
    const audited = async () => {
      const { rows } = await admin.team.audit.query({ fromSeq: 1, limit: 100, actorId: record.actor.id, runId, kinds: null });
      return rows.map((r) => r.event.type);
    };
    await expect.poll(audited).toEqual(['command.requested', 'command.applied']);
    expect(await call('request_command', { runId, control: 'clipThreshold', value: 3, expected: 5 })).toMatchObject({
      ok: false,
      reason: 'conflict',
    });
    expect(await call('request_command', { runId, control: 'clipThreshold', value: -3 })).toMatchObject({
      ok: false,
      reason: 'invalid',
      field: 'value',
    });
    expect(await call('request_command', { runId, control: 'clipThreshold' })).toEqual({
      error: 'give either control and value, or action (and args)',
    });
  });

  it('waits for a second operator where an admin wants one', async () => {
    const { call } = await agent('operator');
    await admin.team.setNeedsApproval.mutate({ names: ['learningRate'] });
    const asked = call('request_command', { runId, control: 'learningRate', value: 0.1 });
    expect(await asked).toEqual({ status: 'proposed' });
    await admin.team.setNeedsApproval.mutate({ names: [] });
  });

  it('takes a run back to a checkpoint', async () => {
    const { call } = await agent('operator');
    expect(await call('request_command', { runId, action: 'revert', args: { step: 10 } })).toMatchObject({
      status: 'applied',
      after: 10,
    });
  });

  it('branches a run, with a change and without a word to its trainer', async () => {
    const { call } = await agent('operator');
    const { checkpoints } = (await call('get_run', { runId })) as { checkpoints: { step: number; hash: string }[] };
    const [first] = checkpoints;
    const changes = [{ control: 'learningRate', value: 0.01 }];
    const branch = (await call('branch_run', { runId, checkpoint: first!.hash, name: 'what if', changes, repeat: null })) as {
      runId: string;
    };
    const view = await admin.runs.view.query({ runId: branch.runId });
    expect(view.parent).toMatchObject({ runId, step: first!.step, checkpoint: { hash: first!.hash } });
    expect(view.recent.commands.items.map((c) => [c.actor.name, c.command])).toMatchObject([
      ['operator agent', { kind: 'set', control: 'learningRate', value: 0.01 }],
    ]);
  });

  it('is refused what its token may not, and everything without one', async () => {
    const viewer = await agent('viewer');
    const before = (await admin.runs.view.query({ runId })).recent.commands.items.length;
    expect(await viewer.call('request_command', { runId, action: 'resume' })).toEqual({
      ok: false,
      reason: 'forbidden',
      message: 'viewer agent (viewer) may not steer runs',
      field: null,
    });
    expect(await viewer.call('start_run', { recipe: 'reverse' })).toEqual({
      error: 'viewer agent (viewer) may not start runs',
    });
    expect((await admin.runs.view.query({ runId })).recent.commands.items.length).toBe(before);
    expect(await (await agent()).call('list_runs')).toEqual({
      error: expect.stringMatching(/^You are not signed in\. .* A script sends its token/),
    });
  });

  it('lists the recipes with every setting: what it is called, what it takes, and its default', async () => {
    const { call } = await agent('viewer');
    const known = (await call('list_recipes')) as { name: string; settings: { path: string }[] }[];
    expect(known.map((r) => r.name)).toEqual(builtinRecipes.map((r) => r.spec.name));
    const [reverse] = (await call('list_recipes', { recipe: 'reverse' })) as typeof known;
    expect(reverse).toMatchObject({
      title: 'Reverse',
      trainers: [{ name: 'scripted', connected: true }],
      presets: recipeNamed('reverse').spec.presets.map(({ name, title }) => ({ name, title })),
    });
    expect(reverse!.settings.find((s) => s.path === 'schedule.warmupSteps')).toEqual({
      path: 'schedule.warmupSteps',
      title: 'Warm-up',
      description: 'Steps over which the learning rate rises from 0.',
      takes: 'a whole number from 0 to 10000000',
      default: 50,
      unit: 'steps',
      usual: [0, 10000],
    });
  });

  it('starts a run from what differs, and is told which field does not fit', async () => {
    const { call } = await agent('operator');
    const started = (await call('start_run', {
      recipe: 'reverse',
      config: { seed: 11, optimizer: { learningRate: 0.001 } },
      project: 'agents',
      tags: ['try'],
      commands: [{ kind: 'set', id: 'clip-at-start', control: 'clipThreshold', value: 2, when: { kind: 'step', step: 0 } }],
      paused: true,
    })) as { runId: string };
    const view = await admin.runs.view.query(started);
    const published = publishedSetup('reverse', {}, { project: 'agents', tags: ['try'] });
    const { optimizer } = configOf(published);
    expect(view.setup).toEqual({
      ...published,
      config: { ...published.config, seed: 11, optimizer: { ...optimizer, learningRate: 0.001 } },
    });
    expect(view.createdBy.name).toBe('operator agent');
    const entries = await admin.runs.entries.query({ ...started, fromSeq: 1, limit: 10, types: ['command.requested'] });
    expect(entries.map((e) => e.event)).toMatchObject([
      { actor: { name: 'operator agent' }, command: { kind: 'act', action: 'pause', args: {} } },
      { command: { kind: 'set', id: 'clip-at-start', control: 'clipThreshold', value: 2, when: { kind: 'step', step: 0 } } },
    ]);
    expect(await call('start_run', { recipe: 'reverse', config: { batchSize: 0, model: { heads: 3 }, epoch: 1 } })).toEqual({
      error: [
        'setup.config.epoch: epoch: there is no such setting; the config has task, seed, backend, batchSize, gradientAccumulation, model, optimizer, epochs, schedule, earlyStopPatience, clip, evaluateEverySteps, snapshotEverySteps, checkpointEverySteps, probeSize, startFrom',
        'setup.config.batchSize: Batch size: 0 does not fit; give a whole number from 1 to 65536',
        'setup.config.model.heads: Heads: 3 does not divide Width (32); give 2 or 4, or change Width',
      ].join('; '),
    });
    expect(await call('start_run', { recipe: 'revers' })).toEqual({
      error: expect.stringMatching(/^recipe: there is no "revers"; there are reverse, /),
    });
  });
});
