/** What happens between the entry that records a deletion and the deletion itself. */
import { afterEach, beforeEach, expect, it } from 'vitest';
import { openRetention, type Retention, type RetentionDeps } from '~/server/retention/keeper';
import { type BlobStore, openBlobs } from '~/server/store/blobs';
import { startApp, type TestApp } from '~/test/support/app';
import { publishedSetup } from '~/test/support/setups';
import { type Blob, blobOf, refOf, steps as rows, runStarted, snapshot, startValues } from '~/test/support/synthetic';
import { TrainerClient } from '~/test/support/trainerClient';

const setup = publishedSetup('reverse');
const values = startValues(setup);
let app: TestApp;
let blobs: BlobStore;
let trainer: TrainerClient;
let runId: string;
let failures: unknown[];
beforeEach(async () => {
  app = await startApp();
  const store = app.hub.store as unknown as RetentionDeps['store'] & Parameters<typeof openBlobs>[1];
  blobs = await openBlobs(app.dataFolder, store);
  await store.setSetting('retention.checkpointBytes', String(2 ** 20));
  trainer = await TrainerClient.connect(app.address);
  ({ runId } = await app.hub.create({ id: 'a', name: 'Ada', role: 'admin' }, setup));
  trainer.ready();
  await trainer.assigned();
  await trainer.send(runStarted(0, values), { type: 'status', status: 'running', step: 0, message: 'go' });
  failures = [];
});
afterEach(async () => {
  trainer.close();
  await app.close();
});

const keeper = (changes: Partial<RetentionDeps>): Promise<Retention> =>
  openRetention({
    hub: app.hub,
    store: app.hub.store as unknown as RetentionDeps['store'],
    blobs,
    limits: () => ({}),
    onError: (error) => failures.push(error),
    ...changes,
  });
const saved = (step: number, blob: Blob) =>
  trainer.send({ type: 'checkpoint', step, blob: refOf(blob), trigger: 'cadence', commandId: null, lastCommandSeq: 0 });
/** Eleven checkpoints of 100 kB exceed the quota of 1 MB, 9/10 of which hold nine: those of steps 10 and 30 are deleted. */
async function train(): Promise<Blob[]> {
  const all: Blob[] = [];
  for (let i = 0; i < 11; i++) {
    if (i > 0) await trainer.send(rows((i - 1) * 10, 10, values));
    const blob = blobOf(new Uint8Array(100_000).fill(i));
    all.push(blob);
    await trainer.put(blob);
    await saved(i * 10, blob);
  }
  return all;
}
const gone = async (all: Blob[]) => {
  const there = await Promise.all(all.map(({ hash }) => blobs.has(hash)));
  return there.flatMap((has, i) => (has ? [] : [i * 10]));
};

it('a deletion that a crash cuts short goes on at the next start', async () => {
  const dying = await keeper({ blobs: { remove: () => Promise.reject(new Error('killed')) } });
  const all = await train();
  await dying.close();
  expect([failures, await gone(all)]).toEqual([[new Error('killed')], []]);
  await (await keeper({})).close();
  expect([(await app.hub.view(runId))!.checkpointsThinned, await gone(all)]).toEqual([2, [10, 30]]);
});

it('bytes that are saved again between the entry and the deletion stay', async () => {
  let all: Blob[] = [];
  let again: Promise<unknown> | null = null;
  const decide: RetentionDeps['hub']['decide'] = async (id, choose) => {
    const answer = await app.hub.decide(id, choose);
    again ??= saved(100, blobOf(new Uint8Array(100_000).fill(1)));
    await again;
    return answer;
  };
  const retention = await keeper({ hub: { ...app.hub, decide } });
  all = await train();
  await retention.close();
  expect([failures, await gone(all)]).toEqual([[], [30]]);
});

it('checkpoints that the run went back over count too, and go first; bytes that it saves again stay', async () => {
  const retention = await keeper({});
  const all: Blob[] = [];
  const save = async (step: number, fill: number) => {
    const blob = blobOf(new Uint8Array(100_000).fill(fill));
    all.push(blob);
    await trainer.put(blob);
    await saved(step, blob);
  };
  for (let i = 0; i < 8; i++) {
    if (i > 0) await trainer.send(rows((i - 1) * 10, 10, values));
    await save(i * 10, i);
  }
  await trainer.send({ type: 'rewind', step: 15 });
  expect(await retention.use(runId)).toMatchObject({ checkpoints: { count: 8, bytes: 800_000 } });
  // The first and one at step 10 are in force. The one at step 20 is saved again with the same bytes; others exceed 1 MB.
  await trainer.send(rows(15, 5, values));
  await save(20, 2);
  for (let i = 3; i < 6; i++) {
    await trainer.send(rows((i - 1) * 10, 10, values));
    await save(i * 10, 100 + i);
  }
  await retention.close();
  const view = (await app.hub.view(runId))!;
  expect(view.recent.checkpoints.items.map((c) => c.step)).toEqual([0, 10, 20, 30, 40, 50]);
  expect([view.counts.checkpoints.count, view.checkpointsThinned]).toEqual([6, 2]);
  const there = await Promise.all(all.map(({ hash }) => blobs.has(hash)));
  // Those of steps 30 and 40 before the way back.
  expect(there.flatMap((has, i) => (has ? [] : [i]))).toEqual([3, 4]);
  expect(view.recent.activity.items.map(({ event }) => 'message' in event && event.message)).toEqual([
    "2 of 11 checkpoints were taken away to keep this run's checkpoints under 1 MB, 2 of them of steps that the run had gone back over; the first, the newest 5, those of alerts, notes, commands, questions, branches and best results, and evenly spaced ones stay",
  ]);
  expect(await retention.use(runId)).toMatchObject({ checkpoints: { count: 9, bytes: 900_000 } });
});

it('the pictures that snapshots share count once, and leave less room for maps', async () => {
  await (app.hub.store as unknown as RetentionDeps['store']).setSetting('retention.snapshotBytes', String(2 ** 20));
  const retention = await keeper({});
  const pictures = blobOf(new Uint8Array(300_000));
  await trainer.put(pictures);
  for (let i = 0; i < 8; i++) {
    if (i > 0) await trainer.send(rows((i - 1) * 10, 10, values));
    const maps = blobOf(new Uint8Array(100_000).fill(i + 1));
    await trainer.put(maps);
    const { event } = snapshot(i * 10, setup, 'cadence');
    await trainer.send({ ...event, blob: refOf(maps), pictures: refOf(pictures) } as Parameters<typeof trainer.send>[0]);
  }
  await retention.close();
  // 300 kB of pictures and eight maps of 100 kB exceed 1 MB; nine tenths of it hold six of them.
  expect(await retention.use(runId)).toMatchObject({ snapshots: { count: 6, bytes: 900_000 } });
});
