/** A run makes room for another with everything real: a trainer process, its checkpoint, and the numbers after it. */

import { afterEach, describe, expect, it, vi } from 'vitest';
import { connect } from '~/server/mcp/client';
import type { Actor } from '~/shared/ids';
import { firstStepOf, rowCount, stepAt } from '~/shared/rows';
import type { RunSetup } from '~/shared/setup';
import type { RunView } from '~/shared/view';
import { startApp, type TestApp } from '~/test/support/app';
import { ownFolder } from '~/test/support/folder';
import { root } from '~/test/support/root';
import { publishedConfig, publishedSetup } from '~/test/support/setups';
import { TestViewer } from '~/test/support/viewer';

const you: Actor = { id: 'local', name: 'You', role: 'admin' };
const opened: { close(): unknown }[] = [];
afterEach(async () => {
  for (const o of opened.splice(0).reverse()) await o.close();
});
const keep = <T extends { close(): unknown }>(o: T): T => {
  opened.push(o);
  return o;
};

/** `epochs` x 50 steps. */
function small(epochs: number): RunSetup {
  const base = publishedConfig('reverse');
  Object.assign(base.task, { seqLen: 4, numClasses: 4, trainSize: 400, validationSize: 32, testSize: 32 });
  Object.assign(base.model, { modelDim: 8, dropout: 0.1 });
  return publishedSetup('reverse', { ...base, batchSize: 8, epochs, checkpointEverySteps: 1_000_000 });
}

const app = (firstRuns: boolean) => {
  const folder = ownFolder();
  opened.push({ close: () => folder.remove() });
  const trainer = { args: ['--import', 'tsx', 'trainer/process/main.ts'], folder: root, backend: 'wasm' };
  return startApp({ dataFolder: folder.path, trainer, firstRuns }).then(keep);
};
const watch = async (a: TestApp, runId: string) => {
  const v = keep(await TestViewer.connect(a.url));
  await v.watch(runId);
  return v;
};
const finished = (view: RunView) => view.status === 'finished';
const losses = async (a: TestApp, runId: string) => {
  const entries = await a.hub.store.entries({ runId, fromSeq: 1, limit: 100_000, types: ['rows', 'started'] });
  const loss: number[] = [];
  let width = 0;
  for (const { event } of entries) {
    if (event.type === 'started' && event.streams) width = event.streams[0]!.columns.length;
    if (event.type !== 'rows' || event.stream !== 'steps') continue;
    expect(firstStepOf(event)).toBeLessThanOrEqual(loss.length);
    for (let i = 0; i < rowCount(event); i++) loss[stepAt(event, i)] = event.values[i * width]!;
  }
  return loss;
};

describe('making room', () => {
  it('lets the next run go first, and goes on from its checkpoint with the same numbers, each step once', async () => {
    const a = await app(false);
    const { runs } = connect({ url: a.url });
    const { runId: long } = await a.hub.create(you, small(200));
    const longView = await watch(a, long);
    // The long run must not end before room is made, however busy the machine is: it has many steps, and what takes time comes first.
    await longView.until((view) => view.status === 'running');
    const { runId: next } = await a.hub.create(you, small(1));
    const nextView = await watch(a, next);
    await longView.until((view) => view.step > 300);
    expect(await runs.makeRoom.mutate({ runId: long })).toEqual({ ok: true });
    const aside = await longView.until((view) => view.status === 'waiting');
    expect(aside.recent.statuses.items.at(-1)?.message).toBe(
      'You sent it back to the queue: it goes on from here when a trainer is free',
    );
    await nextView.until(finished);
    expect((await longView.until(finished)).step).toBe(10_000);

    const { runId: again } = await a.hub.create(you, small(200));
    await (await watch(a, again)).until(finished);
    const parted = await losses(a, long);
    expect(parted).toHaveLength(10_000);
    expect(parted).toEqual(await losses(a, again));
    expect(a.trouble).toEqual([]);
  });

  it('is refused for a run that no trainer has, by name', async () => {
    const a = keep(await startApp());
    const { runId } = await a.hub.create(you, small(1));
    expect(await a.hub.makeRoom(you, runId)).toEqual({
      ok: false,
      reason: 'state',
      message: `runId: no trainer has run ${runId}`,
      field: 'runId',
    });
    expect(await a.hub.makeRoom(you, 'nothere000')).toMatchObject({ ok: false, reason: 'unknown-run', field: 'runId' });
  });

  it('is what the first runs of a new room do by themselves, unless somebody has paused one', async () => {
    const a = await app(true);
    const named = () => a.hub.summaries().find((run) => run.name === 'Reverse');
    // They come with the recipes of the first trainer.
    const first = await vi.waitUntil(named, { timeout: 60_000 });
    const firstView = await watch(a, first!.runId);
    await firstView.until((view) => view.step > 50);
    const { runId: own } = await a.hub.create(you, small(1));
    await (await watch(a, own)).until(finished);
    const { step } = await firstView.until((view) => view.status === 'running' && view.attempt === 2);
    expect(step).toBeGreaterThan(50);

    await firstView.command({ kind: 'act', id: 'hold-first', runId: first!.runId, action: 'pause', args: {} });
    await firstView.until((view) => view.status === 'paused');
    const { runId: waits } = await a.hub.create(you, small(1));
    await firstView.command({ kind: 'act', id: 'end-first', runId: first!.runId, action: 'stop', args: {} });
    await (await watch(a, waits)).until(finished);
    expect(await firstView.until((view) => view.status === 'stopped')).toMatchObject({ attempt: 2 });
  });
});
