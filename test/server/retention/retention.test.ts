import { readdirSync } from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { toThin } from '~/server/retention/thin';
import type { ListItems } from '~/shared/view';
import { startApp } from '~/test/support/app';
import { ownFolder } from '~/test/support/folder';
import { blobOf, refOf, steps as rows, runStarted, snapshot, startValues } from '~/test/support/synthetic';
import { TrainerClient } from '~/test/support/trainerClient';
import { publishedSetup } from '../../support/setups';

type View = Parameters<typeof toThin>[0];
const snapshotAt = (step: number, bytes = 10, trigger = 'cadence') =>
  ({ seq: step + 1, step, trigger, blob: { hash: 'a'.repeat(64), bytes } }) as unknown as ListItems['snapshots'];
const view = (snapshots: readonly ListItems['snapshots'][], alerts: number[] = [], notes: number[] = []): View => ({
  snapshots,
  alerts: alerts.map((step) => ({ step })) as unknown as View['alerts'],
  notes: notes.map((step) => ({ anchor: { step } })) as unknown as View['notes'],
});
const steps = (taken: readonly ListItems['snapshots'][]) => taken.map((s) => s.step);
const every = (n: number, by: number) => Array.from({ length: n }, (_, i) => snapshotAt(i * by));

describe('thinning snapshots', () => {
  it('takes nothing while they fit', () => {
    expect(toThin(view(every(10, 5)), 100)).toEqual([]);
  });

  it('of evenly spaced ones every second goes first', () => {
    // 9 x 10 bytes; to 9/10 of 60 = 54 means 5 may stay: 0, 20, 40, 60, 80
    expect(steps(toThin(view(every(9, 10)), 60))).toEqual([10, 30, 50, 70]);
  });

  it('the denser part is thinned before the sparser', () => {
    const dense = [...every(11, 1), snapshotAt(110), snapshotAt(210), snapshotAt(310)];
    // 14 x 10 bytes; 9/10 of 90 = 81: 8 stay. Odd steps leave gaps of 2; then 2 is the first that leaves one of 4
    expect(steps(toThin(view(dense), 90))).toEqual([1, 2, 3, 5, 7, 9]);
  });

  it('the first, the last, and those of alerts, notes, commands, best and final parameters stay, whatever the quota', () => {
    const all = every(20, 10).map((s, i) =>
      i === 3
        ? snapshotAt(30, 10, 'command')
        : i === 5
          ? snapshotAt(50, 10, 'best')
          : i === 7
            ? snapshotAt(70, 10, 'end')
            : i === 8
              ? snapshotAt(80, 10, 'alert')
              : s,
    );
    const taken = new Set(steps(toThin(view(all, [114], [150]), 1)));
    expect(steps(all).filter((s) => !taken.has(s))).toEqual([0, 30, 50, 70, 80, 110, 150, 190]);
  });

  it('what stays fits, is spread evenly, and a second thinning finds nothing to do', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.nat(5000), { minLength: 3, maxLength: 200 }), fc.integer({ min: 3, max: 150 }), (at, fit) => {
        const all = at.sort((a, b) => a - b).map((s) => snapshotAt(s));
        const quota = fit * 10;
        const taken = new Set(toThin(view(all), quota));
        const kept = all.filter((s) => !taken.has(s));
        expect(kept.length * 10).toBeLessThanOrEqual(Math.max(quota, 20));
        expect([kept[0], kept.at(-1)]).toEqual([all[0], all.at(-1)]);
        expect(toThin(view(kept), quota)).toEqual([]);
      }),
      { seed: 7, endOnFailure: true },
    );
  });
});

describe('a run that outgrows the quota', () => {
  it('loses maps by the rule, says so in its log, keeps every signal', async () => {
    const folder = ownFolder();
    const app = await startApp({ dataFolder: folder.path });
    try {
      const call = async (path: string, input?: unknown) => {
        const answer = await fetch(
          `${app.url}/api/trpc/${path}`,
          input === undefined
            ? {}
            : { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(input) },
        );
        return (await answer.json()) as { result?: { data: unknown }; error?: { message: string } };
      };
      expect(await call('retention.set', { quotaBytes: 12 })).toMatchObject({
        error: { message: 'quotaBytes: give at least 1048576 (1 MB)' },
      });
      const bytes = 2 ** 20;
      expect(await call('retention.set', { quotaBytes: bytes })).toMatchObject({ result: { data: { quotaBytes: bytes } } });
      expect(await call('retention.get')).toMatchObject({ result: { data: { quotaBytes: bytes } } });

      const setup = publishedSetup('reverse');
      const trainer = await TrainerClient.connect(app.address);
      const { runId } = await app.hub.create({ id: 'a', name: 'Ada', role: 'admin' }, setup);
      trainer.ready();
      await trainer.assigned();
      await trainer.send(runStarted(0, startValues(setup)));
      const thinned = new Promise<number[]>((resolve) => {
        app.hub.onEntries((_, entries) => {
          for (const { event } of entries) if (event.type === 'snapshots.thinned') resolve(event.seqs);
        });
      });
      // Five of 240 kB exceed 1 MB; 9/10 of it hold three.
      const hashes: string[] = [];
      for (let i = 0; i < 5; i++) {
        if (i > 0) await trainer.send(rows((i - 1) * 10, 10, startValues(setup)));
        const blob = blobOf(new Uint8Array(240_000).fill(i));
        hashes.push(blob.hash);
        await trainer.put(blob);
        const { event } = snapshot(i * 10, setup, 'cadence');
        if (event.type === 'snapshot') await trainer.send({ ...event, blob: refOf(blob) });
      }
      const seqs = await thinned;
      const view = (await app.hub.view(runId))!;
      expect(view.recent.snapshots.items.map((s) => s.step)).toEqual([0, 20, 40]);
      expect((await app.hub.store.signals(runId)).steps).toEqual(Float64Array.of(0, 10, 20, 30, 40));
      const entries = await app.hub.store.entries({ runId, fromSeq: 1, limit: 100, types: ['snapshot'] });
      expect(entries.filter((e) => seqs.includes(e.seq)).map((e) => (e.event.type === 'snapshot' ? e.event.step : null))).toEqual(
        [10, 30],
      );
      await app.close();
      const statuses = readdirSync(path.join(folder.path, 'blobs'), { recursive: true }).map(String);
      expect(hashes.map((hash) => statuses.some((f) => f.endsWith(hash)))).toEqual([true, false, true, false, true]);
      trainer.close();
    } finally {
      await app.close();
      folder.remove();
    }
  });
});
