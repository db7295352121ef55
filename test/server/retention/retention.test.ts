import { readdirSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { connect } from '~/server/mcp/client';
import { startApp } from '~/test/support/app';
import { ownFolder } from '~/test/support/folder';
import { publishedSetup } from '~/test/support/setups';
import { blobOf, refOf, steps as rows, runStarted, snapshot, startValues } from '~/test/support/synthetic';
import { TrainerClient } from '~/test/support/trainerClient';

describe('a run whose checkpoints outgrow their quota', () => {
  it('loses some by the rule and their files with them; a way back to one of those names the nearest kept ones, and why', async () => {
    const folder = ownFolder();
    let app = await startApp({ dataFolder: folder.path });
    const ada = { id: 'a', name: 'Ada', role: 'admin' } as const;
    try {
      const { retention } = connect({ url: app.url });
      await expect(retention.set.mutate({})).rejects.toThrow('give it, or checkpointBytes, or both');
      expect(await retention.set.mutate({ checkpointBytes: 2 ** 20 })).toEqual({
        quotaBytes: 4 * 2 ** 30,
        checkpointBytes: 2 ** 20,
      });
      const setup = publishedSetup('reverse');
      const trainer = await TrainerClient.connect(app.address);
      const { runId } = await app.hub.create(ada, setup);
      trainer.ready();
      await trainer.assigned();
      await trainer.send(runStarted(0, startValues(setup)), { type: 'status', status: 'running', step: 0, message: 'go' });
      const thinned = new Promise<{ seqs: number[]; message: string }>((resolve) => {
        app.hub.onEntries((_, entries) => {
          for (const { event } of entries) if (event.type === 'checkpoints.thinned') resolve(event);
        });
      });
      // Eleven of 100 kB exceed 1 MB; 9/10 of it hold nine. The one at step 10 is named by a branch.
      const hashes: string[] = [];
      const branch = { checkpoint: '', changes: [], repeat: null, name: 'branch', runId };
      for (let i = 0; i < 11; i++) {
        if (i > 0) await trainer.send(rows((i - 1) * 10, 10, startValues(setup)));
        const blob = blobOf(new Uint8Array(100_000).fill(i));
        hashes.push(blob.hash);
        await trainer.put(blob);
        const trigger = { trigger: 'cadence', commandId: null, lastCommandSeq: 0 } as const;
        await trainer.send({ type: 'checkpoint', step: i * 10, blob: refOf(blob), ...trigger });
        if (i === 1) expect(await app.hub.branch(ada, { ...branch, checkpoint: blob.hash })).toMatchObject({ ok: true });
      }
      const sample = blobOf(new Uint8Array(5000));
      await trainer.put(sample);
      const image = { type: 'media', step: 100, name: 'sketch', kind: 'image', blob: refOf(sample) } as const;
      // The same file twice is stored once.
      await trainer.send(image, image);
      const { seqs, message } = await thinned;
      expect(seqs).toHaveLength(2);
      expect(message).toBe(
        "2 of 11 checkpoints were taken away to keep this run's checkpoints under 1 MB; the first, the newest 5, those of alerts, notes, commands, questions, branches and best results, and evenly spaced ones stay",
      );
      const view = (await app.hub.view(runId))!;
      expect(view.recent.checkpoints.items.map((c) => c.step)).toEqual([0, 10, 30, 50, 60, 70, 80, 90, 100]);
      expect([view.counts.checkpoints.count, view.checkpointsThinned]).toEqual([9, 2]);
      expect(await retention.use.query({ runId })).toEqual({
        quotaBytes: { count: 0, bytes: 0 },
        checkpointBytes: { count: 9, bytes: 900_000 },
        unlimited: { count: 1, bytes: 5000 },
      });

      const why = '. 2 checkpoints were deleted, as the activity of the run says';
      const back = { kind: 'act', id: 'command-1', runId, action: 'revert', args: { step: 20 } } as const;
      expect(await app.hub.command(ada, back)).toEqual({
        ok: false,
        reason: 'invalid',
        field: 'args.step',
        message: `args.step: no checkpoint at step 20; the nearest kept ones are at steps 10 and 30${why}`,
      });
      expect(await app.hub.branch(ada, { ...branch, checkpoint: hashes[4]! })).toEqual({
        ok: false,
        reason: 'invalid',
        field: 'checkpoint',
        message: `checkpoint: run ${runId} has no checkpoint ${hashes[4]!.slice(0, 12)}... in force; there are checkpoints at step 0, 10, 30, 50, 60, 70, 80, 90, 100${why}`,
      });
      trainer.close();
      await app.close();
      const files = readdirSync(path.join(folder.path, 'blobs'), { recursive: true }).map(String);
      expect(hashes.flatMap((hash, i) => (files.some((f) => f.endsWith(hash)) ? [] : [i * 10]))).toEqual([20, 40]);

      // The log says it all: a server that opens the folder later shows the same, and goes back to a kept one.
      app = await startApp({ dataFolder: folder.path });
      expect((await app.hub.view(runId))!.recent.checkpoints.items.map((c) => c.step)).toEqual([
        0, 10, 30, 50, 60, 70, 80, 90, 100,
      ]);
      expect(await app.hub.command(ada, { ...back, id: 'command-2', args: { step: 30 } })).toMatchObject({ ok: true });
    } finally {
      await app.close();
      folder.remove();
    }
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
      expect(await call('retention.get')).toMatchObject({
        result: { data: { quotaBytes: bytes, checkpointBytes: 4 * 2 ** 30 } },
      });

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
