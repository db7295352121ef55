import { existsSync } from 'node:fs';
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { ORPHAN_MS, openSweep, TRASH_MS } from '~/server/retention/sweep';
import { openBlobs } from '~/server/store/blobs';
import { openSqliteStore } from '~/server/store/sqlite/open';
import { appRouter } from '~/server/trpc';
import type { RunEvent } from '~/shared/events';
import { startApp } from '~/test/support/app';
import { fakeClock } from '~/test/support/fakeClock';
import { ownFolder } from '~/test/support/folder';
import { recordRun } from '~/test/support/recordedRun';
import { publishedSetup, withConfig } from '~/test/support/setups';
import { ada, writer } from '~/test/support/storeEntries';
import { type Blob, blobOf, noise, refOf, snapshot } from '~/test/support/synthetic';

const folder = ownFolder();
afterAll(folder.remove);
const hour = 3_600_000;

async function opened(name: string) {
  const data = path.join(folder.path, name);
  const store = await openSqliteStore(data);
  const blobs = await openBlobs(data, store);
  const clock = fakeClock(1_700_000_000_000);
  const said: string[] = [];
  const removed: string[] = [];
  const runs = new Map<string, { runId: string; trashed: boolean }>();
  const hub = {
    summaries: () => [...runs.values()],
    remove: async (runId: string) => {
      runs.delete(runId);
      removed.push(runId);
      await store.remove(runId);
      return true;
    },
  };
  /** Sweeps only when told to. */
  const still = { ...clock, after: () => () => {} };
  const open = () => openSweep({ store, blobs, hub, clock: still, say: (message) => said.push(message), onError: () => {} });
  return { data, store, blobs, clock, said, removed, runs, hub, open };
}

/** Seeds and sizes so that both kinds of blob, in the database and as files, are met. */
const blob = (...place: number[]): Blob => {
  const size = noise(...place) < 0.5 ? 100 : 20_000;
  return blobOf(Uint8Array.from({ length: size }, (_, i) => 256 * noise(...place, i % 97)));
};
const setup = publishedSetup('reverse', { probeSize: 1 });

/** An entry of each kind that names a blob. */
const naming = (seed: number, b: Blob): RunEvent => {
  const checkpoint = {
    type: 'checkpoint',
    step: 1,
    blob: refOf(b),
    trigger: 'cadence',
    commandId: null,
    lastCommandSeq: 0,
  };
  const shot = snapshot(1, setup, 'cadence').event as Extract<RunEvent, { type: 'snapshot' }>;
  return [checkpoint as RunEvent, { ...shot, blob: refOf(b) }, { ...shot, pictures: refOf(b), blob: refOf(b) }][seed % 3]!;
};

describe('blobs that no log names', () => {
  it.each([1, 2, 3, 4])('go after three days, and never one that any run names (seed %i)', async (seed) => {
    const { store, blobs, clock, runs, open } = await opened(`random${seed}`);
    const sweep = open();
    /** By hash: when it was last put or lost its last name, and the runs that name it. */
    const model = new Map<string, { since: number; users: Set<string> }>();
    const writers = new Map<string, ReturnType<typeof writer>>();
    const put = async (b: Blob) => {
      await blobs.put(b.hash, b.bytes);
      model.set(b.hash, { users: model.get(b.hash)?.users ?? new Set(), since: clock.now() });
    };
    for (let round = 0; round < 60; round++) {
      const chance = noise(seed, round, 1);
      const known = [...model.keys()];
      const any = known[Math.floor(noise(seed, round, 2) * known.length)];
      if (chance < 0.25) await put(blob(seed, round));
      else if (chance < 0.45) {
        // A run from its start: a branch of a checkpoint, one that starts from a file, or neither.
        const b = blob(seed, round, 3);
        await put(b);
        const runId = `run${seed}x${String(round).padStart(4, '0')}`;
        const w = writer(store, runId);
        const parent = round % 3 === 0 ? { runId: 'parent01', step: 1, checkpoint: refOf(b) } : null;
        const startFrom = round % 3 === 1 ? b.hash : null;
        await w.append([{ type: 'run.created', setup: withConfig(setup, { startFrom }), actor: ada, parent }]);
        if (round % 3 === 2) await w.append([naming(round, b)]);
        model.get(b.hash)!.users.add(runId);
        writers.set(runId, w);
        runs.set(runId, { runId, trashed: false });
      } else if (chance < 0.55 && any && writers.size > 0) {
        // Another run comes to name what is there: only while it is there.
        const [runId, w] = [...writers][Math.floor(noise(seed, round, 4) * writers.size)]!;
        if (await blobs.has(any)) {
          const bytes = (await blobs.get(any))!;
          await put({ hash: any, bytes });
          await w.append([naming(round, { hash: any, bytes })]);
          model.get(any)!.users.add(runId);
        }
      } else if (chance < 0.65 && writers.size > 0) {
        const [runId] = [...writers][Math.floor(noise(seed, round, 5) * writers.size)]!;
        writers.delete(runId);
        runs.delete(runId);
        await store.remove(runId);
        for (const m of model.values()) if (m.users.delete(runId) && m.users.size === 0) m.since = clock.now();
      } else if (chance < 0.72 && any) {
        const bytes = await blobs.get(any);
        if (bytes) await put({ hash: any, bytes });
      }
      clock.advance(noise(seed, round, 6) < 0.3 ? 20 * hour : hour);
      await sweep.sweep();
      for (const [hash, { users, since }] of model) {
        const there = await blobs.has(hash);
        const unneeded = users.size === 0 && clock.now() - since;
        if (unneeded === false) expect([round, hash, there]).toEqual([round, hash, true]);
        else if (unneeded < ORPHAN_MS) expect([round, hash, there]).toEqual([round, hash, true]);
        // A sweep notices within the longest advance, and waits from there.
        else if (unneeded >= ORPHAN_MS + 20 * hour) expect([round, hash, there]).toEqual([round, hash, false]);
      }
    }
    await sweep.close();
    await store.close();
  });

  it('are told with number and bytes, and not taken in the first hour after a start, whenever they were first seen', async () => {
    const { data, store, blobs, clock, said, open } = await opened('told');
    const [small, large] = [blobOf(new Uint8Array(10)), blobOf(new Uint8Array(30_000))];
    for (const b of [small, large]) await blobs.put(b.hash, b.bytes);
    const first = open();
    await first.sweep();
    clock.advance(ORPHAN_MS - 1);
    expect(await first.sweep()).toEqual({ runs: [], blobs: 0, bytes: 0 });
    await first.close();
    clock.advance(10 * hour);
    const second = open();
    expect(await second.sweep()).toEqual({ runs: [], blobs: 0, bytes: 0 });
    clock.advance(hour);
    expect(await second.sweep()).toEqual({ runs: [], blobs: 2, bytes: 30_010 });
    expect(said).toEqual(['2 blobs (30010 bytes) that no run has named for 3 days were taken away']);
    expect([await store.smallBlob(small.hash), existsSync(path.join(data, 'blobs', large.hash.slice(0, 2), large.hash))]).toEqual(
      [null, false],
    );
    await second.close();
    await store.close();
  });

  it('are looked for soon after the start, then every hour', async () => {
    const { store, clock, ...rest } = await opened('hourly');
    let sweeps = 0;
    const counting = {
      ...store,
      setSetting: async (key: string, value: string) => {
        sweeps++;
        await store.setSetting(key, value);
      },
    };
    const sweep = openSweep({ ...rest, store: counting, clock, say: () => {}, onError: () => {} });
    for (const [ms, expected] of [
      [60_000, 1],
      [hour, 2],
      [hour, 3],
    ] as const) {
      clock.advance(ms);
      await expect.poll(() => [sweeps, clock.waiting()]).toEqual([expected, 1]);
    }
    await sweep.close();
    expect(clock.waiting()).toBe(0);
    await store.close();
  });
});

describe('deleted runs', () => {
  it('go for good thirty days after they were deleted the last time, archived ones and others stay', async () => {
    const { store, clock, runs, removed, said, open } = await opened('trash');
    const label = async (runId: string, ...labels: object[]) => {
      const w = writer(store, runId);
      w.at = clock.now();
      await w.append([{ type: 'run.created', setup, actor: ada, parent: null }]);
      for (const l of labels) await w.append([{ type: 'run.labelled', actor: ada, ...l } as RunEvent]);
    };
    await label('archived', { archived: true });
    await label('trashed1', { trashed: true });
    await label('backagai', { trashed: true }, { trashed: false });
    for (const [runId, trashed] of [
      ['archived', false],
      ['trashed1', true],
      ['backagai', false],
    ] as const)
      runs.set(runId, { runId, trashed });
    const sweep = open();
    clock.advance(TRASH_MS - hour);
    await sweep.sweep();
    expect(removed).toEqual([]);
    clock.advance(hour + 1);
    await sweep.sweep();
    expect([removed, said]).toEqual([['trashed1'], ['1 runs that were deleted 30 days ago are gone for good']]);
    await sweep.close();
    await store.close();
  });

  it('go at once when an admin says so, and only from the trash', async () => {
    const data = path.join(folder.path, 'admin');
    const { blobs } = await recordRun(data);
    const app = await startApp({ dataFolder: data });
    const rows: unknown[] = [];
    const auditLog = {
      append: async (_: unknown, decide: (team: never) => unknown[]) => void rows.push(...decide(undefined as never)),
    };
    const as = appRouter.createCaller({ actor: { ...ada, role: 'admin' }, hub: app.hub, auditLog } as never).runs;
    expect(await as.remove({ runId: 'record1' })).toMatchObject({
      ok: false,
      message: 'only a run in the trash goes for good: delete it first',
    });
    expect(await as.label({ runId: 'record1', trashed: true })).toMatchObject({ ok: true });
    expect(await as.remove({ runId: 'record1' })).toEqual({ ok: true });
    expect(await as.remove({ runId: 'record1' })).toMatchObject({ ok: false, message: 'there is no run record1' });
    expect([app.hub.summaries(), await app.hub.view('record1'), rows]).toEqual([
      [],
      null,
      [{ type: 'run.changed', runId: 'record1', what: 'deleted for good: Recorded run' }],
    ]);
    // Its blobs go later, by the rule for those that nothing names.
    expect((await fetch(`${app.url}/api/blobs/${blobs[0]}`)).status).toBe(200);
    await app.close();
    const again = await startApp({ dataFolder: data });
    expect([again.hub.summaries(), again.trouble]).toEqual([[], []]);
    await again.close();
    const operator = appRouter.createCaller({ actor: { ...ada, role: 'operator' }, hub: app.hub, auditLog } as never).runs;
    await expect(operator.remove({ runId: 'record1' })).rejects.toThrow('Ada (operator) may not delete runs');
  });
});
