/** A run whose files were lost somewhere else comes in without them, and is told from one that lost them here. */
import { readdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { main as importFiles } from '~/server/import/cli';
import type { Store } from '~/server/store';
import { verifyFolder } from '~/server/store/verify';
import { startApp } from '~/test/support/app';
import { ownFolder } from '~/test/support/folder';
import { publishedSetup } from '~/test/support/setups';
import { blobOf, refOf, runStarted, startValues } from '~/test/support/synthetic';
import { TrainerClient } from '~/test/support/trainerClient';

it('an import says how many files the record lacks; verify names them where they were lost, and not where they never were', async () => {
  const folder = ownFolder();
  const [there, here] = [await startApp(), await startApp()];
  const { runId } = await there.hub.create({ id: 'a', name: 'Ada', role: 'admin' }, publishedSetup('reverse'));
  const trainer = await TrainerClient.connect(there.address);
  trainer.ready();
  await trainer.assigned();
  await trainer.send(runStarted(0, startValues(publishedSetup('reverse'))));
  const [lost, picture, kept] = [1, 2, 3].map((fill) => blobOf(new Uint8Array(40_000).fill(fill))) as [Blob, Blob, Blob];
  type Blob = ReturnType<typeof blobOf>;
  for (const blob of [lost, picture, kept]) await trainer.put(blob);
  const saved = { type: 'checkpoint', trigger: 'cadence', commandId: null, lastCommandSeq: 0 } as const;
  await trainer.send(
    { ...saved, step: 0, blob: refOf(lost) },
    { ...saved, step: 1, blob: refOf(kept) },
    { type: 'media', kind: 'image', name: 'sample', step: 1, blob: refOf(picture) },
  );
  trainer.close();
  for (const { hash } of [lost, picture]) rmSync(path.join(there.dataFolder, 'blobs', hash.slice(0, 2), hash));
  const file = path.join(folder.path, 'run.headroom');
  const answer = await fetch(`${there.url}/api/runs/${runId}/export?format=headroom`);
  writeFileSync(file, new Uint8Array(await answer.arrayBuffer()));
  const said: string[] = [];
  await importFiles([file, '--json', '--server', here.url], { out: (text) => said.push(text), err: () => {} });
  expect(JSON.parse(said[0]!).runs).toMatchObject([
    { runId, leftOut: '2 files of snapshots, checkpoints or samples, which the file lacks' },
  ]);
  // Nobody is offered what cannot be used.
  const checkpoints = await here.hub.store.list({ runId, kind: 'checkpoints', after: 0, limit: 10 });
  expect(checkpoints.map(({ step }) => step)).toEqual([1]);
  const view = (await here.hub.view(runId))!;
  expect([view.counts.checkpoints.count, view.checkpointsThinned, view.recent.activity.items.at(-1)?.event]).toMatchObject([
    1,
    1,
    { message: '1 checkpoint is not listed: the imported file lacks what belongs to it' },
  ]);
  expect((await verifyFolder(there.dataFolder)).unread).toEqual([
    `run ${runId}: the checkpoint of step 0: its blob ${lost.hash} is not there`,
    `run ${runId}: the sample of step 1: its blob ${picture.hash} is not there`,
  ]);
  expect(await verifyFolder(here.dataFolder)).toMatchObject({ damaged: [], unread: [] });
  // What is lost here is named here.
  const blobs = path.join(here.dataFolder, 'blobs');
  for (const name of readdirSync(blobs, { recursive: true }).map(String))
    if (name.endsWith(kept.hash)) rmSync(path.join(blobs, name));
  expect((await verifyFolder(here.dataFolder)).unread).toEqual([
    `run ${runId}: the checkpoint of step 1: its blob ${kept.hash} is not there`,
  ]);
  // The files of a run that is being imported come after its log.
  await (here.hub.store as unknown as Store).setSetting('imports.pending', JSON.stringify([runId]));
  expect((await verifyFolder(here.dataFolder)).unread).toEqual([]);
  await Promise.all([there.close(), here.close()]);
  folder.remove();
}, 60_000);
