/** Questions about checkpoints with everything real: the trainer process answers what the run itself had answered, also when it is killed over it. */

import { gunzipSync } from 'node:zlib';
import { afterEach, describe, expect, it } from 'vitest';
import { parseAttentionSnapshot, withPictures } from '~/shared/attentionSnapshot';
import type { Command } from '~/shared/commands';
import type { Actor } from '~/shared/ids';
import { paths } from '~/shared/protocol';
import type { RunSetup } from '~/shared/setup';
import type { RunView } from '~/shared/view';
import { startApp, type TestApp } from '~/test/support/app';
import { ownFolder } from '~/test/support/folder';
import { writePictures } from '~/test/support/pictureData';
import { root } from '~/test/support/root';
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

/** 60 steps, a checkpoint every 20. */
function small(recipe: 'reverse' | 'anomaly'): RunSetup {
  const base = publishedConfig(recipe);
  const size = { trainSize: 160, validationSize: 32, testSize: 10_000 };
  Object.assign(base.task, recipe === 'reverse' ? { seqLen: 4, numClasses: 4, ...size } : { setSize: 3, images: 'folder' });
  Object.assign(base.model, { layers: 2, heads: 2, modelDim: 8 });
  base.schedule.maxSteps = 60;
  const cadence = { checkpointEverySteps: 20, snapshotEverySteps: 20, probeSize: 2 };
  return publishedSetup(recipe, { ...base, batchSize: 8, epochs: 3, ...cadence });
}

const app = async () => {
  const folder = ownFolder();
  opened.push({ close: () => folder.remove() });
  writePictures(folder.path);
  return keep(
    await startApp({
      dataFolder: folder.path,
      trainer: { args: ['--import', 'tsx', 'trainer/process/main.ts'], folder: root, backend: 'wasm' },
    }),
  );
};
const whole = async (a: TestApp, runId: string) =>
  foldAll(runId, await a.hub.store.entries({ runId, fromSeq: 1, limit: 100_000, types: null }));
const watch = async (a: TestApp, runId: string) => {
  const v = keep(await TestViewer.connect(a.url));
  await v.watch(runId);
  return v;
};
const ask = (runId: string, id: string, action: string, args: object = {}, more: object = {}) =>
  ({ kind: 'act', id, runId, action, args, ...more }) as Command;
const answerTo = (view: RunView, id: string) => view.recent.analyses.items.find((x) => x.commandId === id);
const over = (view: RunView) => view.status === 'finished' || view.status === 'failed';

describe('the trainer process', () => {
  it('answers of a checkpoint what the run answered at its step: when the run has ended, and while another is trained or paused', async () => {
    const a = await app();
    const { runId } = await a.hub.create(you, small('reverse'));
    const v = await watch(a, runId);
    const at40 = { when: { kind: 'step', step: 40 } };
    await v.command(ask(runId, 'live-alone', 'ablateHeads', { heads: 'all' }, at40));
    await v.command(ask(runId, 'live-together', 'ablateHeads', { heads: '1.2, 2.1' }, at40));
    await v.command(ask(runId, 'live-order', 'permutationCheck', { seed: 3 }, at40));
    await v.command(ask(runId, 'live-mistakes', 'findMistakes', { split: 'test', examples: 200 }, at40));
    const ended = await v.until(over);
    expect(ended).toMatchObject({ status: 'finished', step: 60 });
    const checkpoint = ended.recent.checkpoints.items.find((c) => c.step === 40)!.blob.hash;

    // Idle.
    await v.command(ask(runId, 'idle-alone', 'ablateHeads', { heads: 'all' }, { checkpoint }));
    await v.command(ask(runId, 'idle-order', 'permutationCheck', { seed: 3 }, { checkpoint }));
    await v.until((view) => answerTo(view, 'idle-alone') !== undefined && answerTo(view, 'idle-order') !== undefined);

    // Training another run, then with it paused.
    const other = await a.hub.create(you, withConfig(small('reverse'), { epochs: 1_000_000, checkpointEverySteps: 1_000_000 }));
    const w = await watch(a, other.runId);
    await w.until((view) => view.status === 'running' && view.step > 0);
    await v.command(ask(runId, 'busy-together', 'ablateHeads', { heads: '1.2, 2.1' }, { checkpoint }));
    await v.until((view) => answerTo(view, 'busy-together') !== undefined);
    await w.command(ask(other.runId, 'pause-it', 'pause'));
    await w.until((view) => view.status === 'paused');
    await v.command(ask(runId, 'busy-mistakes', 'findMistakes', { split: 'test', examples: 200 }, { checkpoint }));
    await v.until((now) => answerTo(now, 'busy-mistakes') !== undefined);

    // A view holds the newest answers only.
    const answers = await a.hub.store.list({ runId, kind: 'analyses', limit: 100 });
    const answer = (id: string) => answers.find((x) => x.commandId === id);
    for (const what of ['alone', 'together', 'order', 'mistakes']) {
      const live = answer(`live-${what}`)!;
      const later = answer(`idle-${what}`) ?? answer(`busy-${what}`)!;
      expect(later).toMatchObject({ step: 40, kind: live.kind, summary: live.summary, message: live.message, checkpoint });
    }
    expect(answer('idle-order')!.summary).toMatchObject({ expected: 0, passed: 0 });
    // The last checkpoint is what a run that has ended is asked about.
    await v.command(ask(runId, 'of-the-end', 'findMistakes', { split: 'validation', examples: 10 }));
    const end = await v.until((now) => answerTo(now, 'of-the-end') !== undefined);
    expect(answerTo(end, 'of-the-end')!.step).toBe(60);
    expect(end).toMatchObject({ status: 'finished', step: 60, statusMessage: ended.statusMessage, attempt: ended.attempt });
    expect(end).toEqual(await whole(a, runId));
  });

  it('finds a set model indifferent to the order of its items; all snapshots of its run name one file of pictures', async () => {
    const a = await app();
    const { runId } = await a.hub.create(you, small('anomaly'));
    const v = await watch(a, runId);
    await v.until(over);
    await v.command(ask(runId, 'order-of-set', 'permutationCheck'));
    const view = await v.until((now) => answerTo(now, 'order-of-set') !== undefined);
    expect(view.status, view.statusMessage).toBe('finished');
    expect(answerTo(view, 'order-of-set')).toMatchObject({
      summary: { expected: 1, passed: 1, constantOutput: 0 },
      message: expect.stringContaining('as a model without positions must'),
    });
    const pictures = new Set(view.recent.snapshots.items.map((s) => s.pictures?.hash));
    expect([view.recent.snapshots.items.length, pictures.size]).toEqual([4, 1]);
    const bytes = async (hash: string) => new Uint8Array(await (await fetch(`${a.url}${paths.blobs}/${hash}`)).arrayBuffer());
    for (const s of view.recent.snapshots.items) {
      const maps = await bytes(s.blob.hash);
      const snapshot = parseAttentionSnapshot(gunzipSync(maps));
      expect(snapshot.picturesFile).toBe(s.pictures!.hash);
      expect(maps.length).toBeLessThan(s.pictures!.bytes);
      expect(withPictures(snapshot, await bytes(s.pictures!.hash)).pictures!.side).toBe(32);
    }
    const taken = await fetch(`${a.url}/api/runs/${runId}/export?format=safetensors&step=20`);
    expect(parseAttentionSnapshot(new Uint8Array(await taken.arrayBuffer())).pictures!.side).toBe(32);
  });

  it('killed over a question: the next one answers it, once, and the run that has ended is as it was', async () => {
    const a = await app();
    const { runId } = await a.hub.create(you, small('reverse'));
    const v = await watch(a, runId);
    const ended = await v.until(over);
    await v.command(ask(runId, 'a-long-one', 'findMistakes', { split: 'test', examples: 10_000 }));
    await expect.poll(() => a.hub.questions.list()[0]?.done ?? 0, { interval: 1 }).toBeGreaterThan(0);
    const killed = a.trainerPid()!;
    process.kill(killed, 'SIGKILL');
    const view = await v.until((now) => answerTo(now, 'a-long-one') !== undefined);
    expect(a.trainerPid()).not.toBe(killed);
    expect(view.recent.analyses.items.map((x) => [x.kind, x.summary.examples])).toEqual([['findMistakes', 10_000]]);
    const log = await a.hub.store.entries({ runId, fromSeq: ended.seq + 1, limit: 1000, types: null });
    expect(log.map((e) => e.event.type)).toEqual([
      'command.requested',
      'command.scheduled',
      'command.scheduled',
      'command.scheduled',
      'command.applied',
      'analysis',
    ]);
    expect(log.flatMap(({ event: e }) => (e.type === 'command.scheduled' ? [e.message] : []))[1]).toContain(
      'waits for a trainer again',
    );
    expect(view).toMatchObject({
      status: 'finished',
      step: 60,
      attempt: ended.attempt,
      recent: { statuses: ended.recent.statuses },
    });
    expect(a.hub.questions.list()).toEqual([]);
  });
});
