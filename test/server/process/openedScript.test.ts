/** A run that a script opens, with everything real: the script was written from shared/PROTOCOL.md alone, is a process of its own, and is cut off and killed. */
import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import type { Command } from '~/shared/commands';
import type { Entry } from '~/shared/events';
import type { Actor } from '~/shared/ids';
import { stepAt } from '~/shared/rows';
import type { RunView } from '~/shared/view';
import { checkClient } from '~/test/conformance/client';
import { checkServer } from '~/test/conformance/server';
import { startApp, type TestApp } from '~/test/support/app';
import { type Detour, startDetour } from '~/test/support/detour';
import { ownFolder } from '~/test/support/folder';

const ada: Actor = { id: 'local', name: 'Ada', role: 'operator' };
const plainTrainer = fileURLToPath(new URL('../../fixtures/plainTrainer.mjs', import.meta.url));
const opened: { close(): unknown }[] = [];
afterEach(async () => {
  for (const o of opened.splice(0).reverse()) await o.close();
});
const keep = <T extends { close(): unknown }>(o: T): T => {
  opened.push(o);
  return o;
};

interface Running {
  child: ChildProcess;
  ended: Promise<number | null>;
  /** What it said on its way. */
  said: string[];
}

function start(url: string, token: string, env: Record<string, string>): Running {
  const child = spawn(process.execPath, [plainTrainer], {
    env: { ...process.env, HEADROOM_SERVER: url, HEADROOM_TRAINER_TOKEN: token, KEY: 'plain-run-key', ...env },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  keep({ close: () => child.kill('SIGKILL') });
  const said: string[] = [];
  child.stderr.on('data', (data: Buffer) => said.push(String(data)));
  return { child, said, ended: new Promise((resolve) => child.on('exit', resolve)) };
}

const runOf = async (a: TestApp): Promise<string> => {
  for (;;) {
    const [first] = a.hub.summaries();
    if (first) return first.runId;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
};
async function until(a: TestApp, runId: string, what: string, reached: (view: RunView) => boolean): Promise<RunView> {
  const late = Date.now() + 30_000;
  for (;;) {
    const view = (await a.hub.view(runId))!;
    if (reached(view)) return view;
    if (Date.now() > late) throw new Error(`${what}: the run is ${view.status} at step ${view.step}, attempt ${view.attempt}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
const log = (a: TestApp, runId: string): Promise<Entry[]> =>
  a.hub.store.entries({ runId, fromSeq: 1, limit: 100_000, types: null });
/** Steps of a stream in the order of the log, with the attempt that brought each. */
const stepsOf = (entries: readonly Entry[], stream: string): [number, number][] =>
  entries.flatMap(({ event, attempt }) =>
    event.type === 'rows' && event.stream === stream
      ? Array.from({ length: event.values.length / (stream === 'train' ? 2 : 1) }, (_, i): [number, number] => [
          attempt,
          stepAt(event, i),
        ])
      : [],
  );
const upTo = (n: number) => Array.from({ length: n }, (_, i) => i);
const set = (runId: string, id: string, value: number, more: Partial<Command> = {}): Command =>
  ({ kind: 'set', id, runId, control: 'optimizer.lr', value, ...more }) as Command;

describe('a script in plain JavaScript', () => {
  it('joins, logs series of two cadences, is steered, and loses nothing when its connection is cut', async () => {
    const a = keep(await startApp());
    const way: Detour = keep(await startDetour(a.url));
    const { ended } = start(way.url, a.trainerToken, { STEPS: '150', STEP_MS: '8' });
    const runId = await runOf(a);
    const first = await until(a, runId, 'steps', (v) => v.step >= 10);
    expect(first.setup).toMatchObject({
      name: 'a plain curve',
      project: 'plain',
      recipe: null,
      config: { model: { layers: 2 } },
    });
    await a.hub.command(ada, set(runId, 'change-lr-now', 0.05, { expected: 0.1 } as never));
    await a.hub.command(ada, set(runId, 'change-lr-later', 0.01, { when: { kind: 'step', step: 100 } }));
    for (const at of [30, 60]) {
      await until(a, runId, 'steps', (v) => v.step >= at);
      way.cut();
    }
    expect(await ended).toBe(0);
    const view = (await a.hub.view(runId))!;
    expect(view).toMatchObject({ status: 'finished', step: 150, attempt: 1 });
    const entries = await log(a, runId);
    expect(stepsOf(entries, 'train')).toEqual(upTo(150).map((s) => [1, s]));
    expect(stepsOf(entries, 'rare')).toEqual(upTo(15).map((i) => [1, 10 * i]));
    const answers = entries.flatMap(({ event }) => (event.type === 'command.applied' ? [[event.commandId, event.after]] : []));
    expect(answers).toEqual([
      ['change-lr-now', 0.05],
      ['change-lr-later', 0.01],
    ]);
    // The row of every step shows the value in force.
    const applied = entries.flatMap(({ event }) => (event.type === 'command.applied' ? [event] : []));
    for (const { event } of entries)
      if (event.type === 'rows' && event.stream === 'train')
        for (let i = 0; i < event.values.length / 2; i++)
          expect(event.values[2 * i + 1]).toBe(applied.filter((c) => c.step <= stepAt(event, i)).at(-1)?.after ?? 0.1);
    expect((await a.hub.store.console({ runId, before: null, after: null, search: 'STEP 100', limit: 10 })).parts.length).toBe(1);
    const samples = entries.flatMap(({ event }) => (event.type === 'media' ? [[event.name, event.step]] : []));
    expect(samples).toEqual(
      [50, 100, 150].flatMap((s) => [
        ['continuation', s],
        ['as a file', s],
      ]),
    );
    expect(entries.some(({ event }) => event.type === 'alert' && event.kind === 'set-aside')).toBe(false);
  });

  it('killed, it has crashed; started again with its key it goes on from its own state, and every step counts once', async () => {
    const folder = keep({ ...ownFolder(), close: () => {} });
    const a = keep(await startApp({ crashedMs: 800 }));
    const env = { STEPS: '80', STEP_MS: '10', STATE: join(folder.path, 'state.json') };
    const first = start(a.url, a.trainerToken, env);
    const runId = await runOf(a);
    await until(a, runId, 'steps', (v) => v.step >= 35);
    first.child.kill('SIGKILL');
    const crashed = await until(a, runId, 'crashed', (v) => v.status === 'crashed');
    expect(crashed.statusMessage).toMatch(/^nothing was heard of plainTrainer\.mjs on .* for 0\.8 s$/);
    const again = start(a.url, a.trainerToken, env);
    expect(await again.ended).toBe(0);
    expect(await until(a, runId, 'the end', (v) => v.status === 'finished')).toMatchObject({ step: 80, attempt: 2 });
    const steps = stepsOf(await log(a, runId), 'train');
    // It saves every ten steps: what lies after the last save comes from the second attempt.
    const [, from] = steps.find(([attempt]) => attempt === 2)!;
    expect(from % 10).toBe(0);
    expect(steps.filter(([attempt, step]) => attempt === 2 || step < from).map(([, step]) => step)).toEqual(upTo(80));
    expect(a.hub.summaries().map((s) => s.runId)).toEqual([runId]);
    folder.remove();
  });

  it('a restart of the server keeps its run, its attempt and what it was to do later', async () => {
    const folder = ownFolder();
    const before = await startApp({ dataFolder: folder.path });
    const way: Detour = keep(await startDetour(before.url));
    const { ended } = start(way.url, before.trainerToken, { STEPS: '120', STEP_MS: '10' });
    const runId = await runOf(before);
    await until(before, runId, 'steps', (v) => v.step >= 20);
    await before.hub.command(ada, set(runId, 'change-lr-later', 0.01, { when: { kind: 'step', step: 90 } }));
    await until(before, runId, 'scheduled', (v) => v.openCommands.some((c) => c.outcome.status === 'scheduled'));
    await before.close();
    const after = keep(await startApp({ dataFolder: folder.path }));
    way.to(after.url);
    expect(await ended).toBe(0);
    expect(await until(after, runId, 'the end', (v) => v.status === 'finished')).toMatchObject({ step: 120, attempt: 1 });
    const entries = await log(after, runId);
    expect(stepsOf(entries, 'train')).toEqual(upTo(120).map((s) => [1, s]));
    expect(entries.flatMap(({ event }) => (event.type === 'command.applied' ? [[event.commandId, event.step]] : []))).toEqual([
      ['change-lr-later', 90],
    ]);
    opened.unshift({ close: folder.remove });
  });

  it('stopped by people while it is away, it learns of it and ends', async () => {
    const a = keep(await startApp());
    const way: Detour = keep(await startDetour(a.url));
    const { ended, said } = start(way.url, a.trainerToken, { STEPS: '100000', STEP_MS: '10' });
    const runId = await runOf(a);
    await until(a, runId, 'steps', (v) => v.step >= 10);
    way.to('http://127.0.0.1:1');
    way.cut();
    await until(a, runId, 'away', (v) => v.status === 'waiting');
    expect(await a.hub.command(ada, { kind: 'act', id: 'stop-it-now', runId, action: 'stop', args: {} })).toMatchObject({
      ok: true,
    });
    expect((await a.hub.view(runId))!.status).toBe('stopped');
    way.to(a.url);
    expect(await ended).toBe(3);
    expect(said.join('')).toContain('stopped by Ada');
  });
});

describe('the conformance kit', () => {
  it('finds nothing wrong with this server, also below a path', async () => {
    const a = keep(await startApp({ basePath: '/headroom' }));
    const lines: string[] = [];
    const report = await checkServer(a.url, a.trainerToken, (line) => lines.push(line));
    expect(lines.filter((l) => !l.startsWith('ok'))).toEqual([]);
    expect(report.checks.length).toBeGreaterThan(20);
    // The operator sees what the kit tries on purpose: to register without a token, and as a
    // trainer of version 0.1.
    expect(a.trouble).toEqual([
      'trainer refused: a trainer needs a token, and none came, or one that is not known: set HEADROOM_TRAINER_TOKEN to one of scope trainer (Team page), or to what trainer.token in the data folder holds',
      "trainer refused: version: this server speaks version 2 of the trainers' protocol, the trainer speaks 1; use the same release on both sides",
    ]);
  });

  it('finds nothing wrong with the plain script', async () => {
    const lines: string[] = [];
    process.env.KEY = 'conformance-key';
    process.env.STEPS = '100000';
    const report = await checkClient([process.execPath, plainTrainer], (line) => lines.push(line));
    expect(lines.filter((l) => !l.startsWith('ok'))).toEqual([]);
    expect(report.checks.length).toBeGreaterThan(10);
  });
});
