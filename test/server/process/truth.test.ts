/** What the product promises, with everything real: sockets, store, and a trainer process that is killed. */

import { afterEach, describe, expect, it } from 'vitest';
import type { DraftCommand } from '~/app/_live/types';
import { frameSettings } from '~/server/runs/frames';
import type { Command } from '~/shared/commands';
import type { Actor } from '~/shared/ids';
import type { RunView } from '~/shared/view';
import { startApp, type TestApp } from '~/test/support/app';
import { root } from '~/test/support/root';
import { startScriptedTrainer } from '~/test/support/scriptedTrainer';
import { publishedConfig, publishedSetup, withConfig } from '~/test/support/setups';
import { TestViewer } from '~/test/support/viewer';
import { foldAll } from '~/test/support/views';

const you: Actor = { id: 'local', name: 'You', role: 'admin' };
const opened: { close(): unknown }[] = [];
afterEach(async () => {
  for (const o of opened.splice(0).reverse()) await o.close();
});
const keep = <T extends { close(): unknown }>(o: T): T => {
  opened.push(o);
  return o;
};
const whole = async (a: TestApp, runId: string) =>
  foldAll(runId, await a.hub.store.entries({ runId, fromSeq: 1, limit: 100_000, types: null }));

/** A small generator with a seed, for tests that must be the same again. */
function random(seed: number): (n: number) => number {
  let s = seed;
  return (n) => {
    s = (Math.imul(s, 1664525) + 1013904223) >>> 0;
    return Math.floor((s / 2 ** 32) * n);
  };
}

describe('steering by many', () => {
  it('1,000 commands from 5 clients: each answered once, what is recorded holds, all clients end identical', async () => {
    const seed = 7;
    const a = keep(await startApp({ frames: { ...frameSettings, everyMs: 10 } }));
    const { runId } = await a.hub.create(you, publishedSetup('reverse', { probeSize: 1, snapshotEverySteps: 1000 }));
    const clients = await Promise.all(Array.from({ length: 5 }, async () => keep(await TestViewer.connect(a.url))));
    for (const c of clients) await c.watch(runId);
    keep(await startScriptedTrainer(a.address, { stepMs: 5 }));
    await clients[0]!.until((v) => v.step > 0);

    const pick = random(seed);
    /** By seed: a change (half of them only if the value is still as seen), a request to the trainer, or a pause, which every client may end. */
    const draft = (client: TestViewer): DraftCommand => {
      const kind = pick(100);
      if (kind < 80) {
        const control = ['clipThreshold', 'learningRate'][pick(2)]!;
        const expected = client.view!.values[control]!.value;
        return { kind: 'set', control, value: 1 + pick(1000), ...(pick(2) === 0 && { expected }) };
      }
      const action = kind < 90 ? 'evaluate' : ['checkpoint', 'pause', 'resume'][pick(3)]!;
      return { kind: 'act', action, args: action === 'evaluate' ? { split: 'test' } : {} };
    };
    const answers = new Map<string, { ok: boolean }>();
    const appliedMs: number[] = [];
    await Promise.all(
      clients.map(async (client, n) => {
        for (let i = 0; i < 200; i++) {
          const command = { ...draft(client), id: `client-${n}-command-${i}`, runId } as Command;
          const asked = performance.now();
          const answer = await client.command(command);
          answers.set(command.id, answer);
          // Every tenth is sent again, as after a lost answer.
          if (i % 10 === 0) expect(await client.command(command), `seed ${seed}`).toEqual(answer);
          if (!answer.ok) continue;
          const recordIn = (v: RunView) => v.recent.commands.items.findLast((c) => c.command.id === command.id)?.outcome.status;
          await client.until((v) => recordIn(v) !== undefined && recordIn(v) !== 'requested');
          if (recordIn(client.view!) === 'applied') appliedMs.push(performance.now() - asked);
        }
      }),
    );
    expect(answers.size).toBe(1000);
    // A pause is the mark behind which nothing more happens.
    await clients[0]!.command({ kind: 'act', id: 'the-last-one', runId, action: 'pause', args: {} });
    const done = (v: RunView) =>
      v.status === 'paused' &&
      v.recent.commands.items.some((c) => c.command.id === 'the-last-one' && c.outcome.status === 'applied');
    await clients[0]!.until(done);
    const log = await whole(a, runId);
    const views = await Promise.all(clients.map((c) => c.until((v) => v.seq === log.seq)));
    for (const view of views) expect(view, `seed ${seed}`).toEqual(log);

    // Answered once: what was taken is in the log once, with one outcome; what was not leaves no trace.
    const taken = [...answers].filter(([, answer]) => answer.ok).map(([id]) => id);
    const commands = await a.hub.store.list({ runId, kind: 'commands', after: 0, limit: 10_000 });
    expect(commands.map((c) => c.command.id).sort()).toEqual([...taken, 'the-last-one'].sort());
    expect(taken.length).toBeGreaterThan(400);
    const outcomes = await a.hub.store.entries({
      runId,
      fromSeq: 1,
      limit: 10_000,
      types: ['command.applied', 'command.refused'],
    });
    expect(outcomes.length).toBe(commands.length);
    expect(log.counts.commands.count).toBe(commands.length);

    // The row of every step shows the value that the log says was in force: the last one applied at or before it.
    const range = await a.hub.store.range({ runId, series: ['clipThreshold'], fromStep: 0, toStep: null, buckets: 4000 });
    const clip = range.series[0]!;
    expect(clip.bucketSteps).toBe(1);
    const changes = commands
      .flatMap((c) =>
        c.command.kind === 'set' && c.command.control === 'clipThreshold' && c.outcome.status === 'applied' ? [c.outcome] : [],
      )
      .sort((x, y) => x.seq - y.seq);
    for (let step = 0; step < log.step; step++) {
      const inForce = changes.filter((c) => c.step <= step).at(-1)?.after ?? 5;
      expect(clip.last[step], `seed ${seed}, step ${step}`).toBe(inForce);
    }
    appliedMs.sort((x, y) => x - y);
    console.info(
      `${appliedMs.length} applied, click to seen applied: p50 ${Math.round(appliedMs[appliedMs.length >> 1]!)} ms, p95 ${Math.round(appliedMs[Math.floor(appliedMs.length * 0.95)]!)} ms (steps of 5 ms, frames every 10 ms)`,
    );
  });
});

const base = publishedConfig('reverse');
const small = publishedSetup('reverse', {
  task: { seqLen: 4, numClasses: 4, embedding: 'onehot', trainSize: 320, validationSize: 32, testSize: 32 },
  model: { ...base.model, modelDim: 4 },
  batchSize: 8,
  epochs: 5,
  checkpointEverySteps: 25,
  snapshotEverySteps: 50,
  probeSize: 1,
});

describe('the trainer process', () => {
  it('killed in the middle: the run goes on from its checkpoint and ends with every step once', async () => {
    const a = keep(
      await startApp({
        trainer: { args: ['--import', 'tsx', 'trainer/process/main.ts'], folder: root, backend: 'cpu' },
      }),
    );
    const { runId } = await a.hub.create(you, small);
    const v = keep(await TestViewer.connect(a.url));
    await v.watch(runId);
    const killedAt = await v.until((view) => view.step >= 60);
    process.kill(a.trainerPid()!, 'SIGKILL');
    await v.until((view) => view.attempt === 2);
    const view = await v.until((now) => now.status === 'finished' || now.status === 'failed');
    // 320 / 8 = 40 steps an epoch, 5 epochs
    expect(view).toMatchObject({ status: 'finished', step: 200, attempt: 2 });
    expect(view.recent.checkpoints.items.some((c) => c.step <= killedAt.step)).toBe(true);
    expect(view.recent.alerts.items.map((x) => x.message)).toEqual([
      expect.stringContaining('the trainer process was ended by SIGKILL'),
    ]);
    const range = await a.hub.store.range({ runId, series: ['loss'], fromStep: 0, toStep: null, buckets: 4000 });
    expect([...range.series[0]!.rows]).toEqual(Array.from({ length: 200 }, () => 1));
    expect(view).toEqual(await whole(a, runId));
  });

  it('taken back to a checkpoint: repeats every number bit for bit, with what the checkpoint held and without what came later', async () => {
    const a = keep(
      await startApp({ trainer: { args: ['--import', 'tsx', 'trainer/process/main.ts'], folder: root, backend: 'cpu' } }),
    );
    const { runId } = await a.hub.create(you, small);
    const v = keep(await TestViewer.connect(a.url));
    await v.watch(runId);
    const rate = (id: string, value: number) => ({ kind: 'set', id, runId, control: 'learningRate', value }) as const;
    const act = (id: string, action: string, args = {}) => ({ kind: 'act', id, runId, action, args }) as const;
    await v.command({ ...rate('rate-at-60', 0.1), when: { kind: 'step', step: 60 } });
    await v.command({ ...act('pause-at-100', 'pause'), when: { kind: 'step', step: 100 } });
    const pausedAt100 = (view: RunView) => view.status === 'paused' && view.step === 100;
    await v.until(pausedAt100);
    await v.command(rate('rate-later', 0.2));
    await v.until((view) => view.values.learningRate!.value === 0.2);
    const losses = async () =>
      (await a.hub.store.range({ runId, series: ['loss', 'learningRate'], fromStep: 0, toStep: 100, buckets: 4000 })).series.map(
        // The same steps, done at another time.
        ({ times: _times, ...numbers }) => numbers,
      );
    const before = await losses();

    expect(await v.command(act('back-to-25', 'revert', { step: 25 }))).toMatchObject({ ok: true });
    await v.until((view) => view.attempt === 2 && view.status === 'paused' && view.step === 25);
    await v.command(act('go-on-again', 'resume'));
    const view = await v.until((now) => now.attempt === 2 && pausedAt100(now));
    expect(await losses()).toEqual(before);
    expect(view.values.learningRate).toMatchObject({ value: 0.1, changedAtStep: 60 });
    expect(
      view.recent.commands.items.map((c) => [c.command.id.length > 15 ? 'pause' : c.command.id, c.outcome.status, c.undone]),
    ).toEqual([
      ['rate-at-60', 'applied', undefined],
      ['pause-at-100', 'applied', undefined],
      ['rate-later', 'applied', true],
      ['back-to-25', 'applied', undefined],
      ['pause', 'applied', undefined],
      ['go-on-again', 'applied', undefined],
    ]);
    expect(view).toEqual(await whole(a, runId));
  });

  it('whose loss becomes NaN at step s is paused before step s + 2, and the log says why', async () => {
    const a = keep(
      await startApp({ trainer: { args: ['--import', 'tsx', 'trainer/process/main.ts'], folder: root, backend: 'cpu' } }),
    );
    const { runId } = await a.hub.create(you, withConfig(small, { epochs: 500, clip: { mode: 'off', threshold: 1 } }));
    const v = keep(await TestViewer.connect(a.url));
    await v.watch(runId);
    await v.command({
      kind: 'set',
      id: 'rate-far-too-high',
      runId,
      control: 'learningRate',
      value: 1e300,
      when: { kind: 'step', step: 30 },
    });
    const view = await v.until(
      (now) => now.status === 'paused' && now.recent.alerts.items.some((x) => x.message.includes('pause asked for')),
    );
    const { series } = await a.hub.store.range({
      runId,
      series: ['loss', 'gradNorm'],
      fromStep: 0,
      toStep: null,
      buckets: 4000,
    });
    const [loss, gradNorm] = series.map((s) => s.last);
    const first = loss!.findIndex((value, i) => !Number.isFinite(value) || !Number.isFinite(gradNorm![i]!));
    expect(first).toBeGreaterThanOrEqual(30);
    // Paused at step s + 1: after update s, before update s + 1.
    expect(view.step).toBeLessThan(first + 2);
    const alert = view.recent.alerts.items.find((x) => x.kind === 'not-finite' && x.message.includes('pause'))!;
    expect(alert).toMatchObject({ step: first, level: 'error' });
    expect(alert.message).toMatch(
      new RegExp(`^at step ${first} the (loss|gradient norm) is (NaN|-?Infinity); pause asked for; snapshot asked for$`),
    );
  });
});
