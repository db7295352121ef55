/** The whole way of a text run: a recipe declared by a trainer process, a run started by its name, and what people then find in the room. */
import { setTimeout } from 'node:timers/promises';
import { afterEach, expect, it } from 'vitest';
import type { Actor } from '~/shared/ids';
import { latestOf } from '~/shared/streams';
import { ended } from '~/shared/view';
import { startApp } from '~/test/support/app';
import { ownFolder } from '~/test/support/folder';
import { root } from '~/test/support/root';
import { publishedConfig, publishedSetup } from '~/test/support/setups';
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

it('a text run finishes with its texts, perplexity and snapshots in its log', { timeout: 120_000 }, async () => {
  const folder = ownFolder();
  opened.push({ close: () => folder.remove() });
  const trainer = { args: ['--import', 'tsx', 'trainer/process/main.ts'], folder: root, backend: 'wasm' };
  const app = keep(await startApp({ dataFolder: folder.path, trainer }));
  const { task, model } = publishedConfig('text');
  const { runId } = await app.hub.create(
    you,
    publishedSetup('text', {
      task: { ...task, seqLen: 128, sampleEverySteps: 5, sampleLength: 8 },
      model: { ...model, layers: 1, heads: 2, modelDim: 8 },
      ...{ batchSize: 64, epochs: 1, snapshotEverySteps: 10, probeSize: 2 },
    }),
  );
  // Longer than a viewer of the tests waits, on a busy machine.
  let over = (await app.hub.view(runId))!;
  while (!ended(over.status)) {
    await setTimeout(100);
    over = (await app.hub.view(runId))!;
  }
  expect(over.statusMessage).toMatch(/^1 epoch done: validation /);
  expect(over.data).toBe('built-in text');
  expect(latestOf(over, 'perplexity')).toBeCloseTo(Math.exp(latestOf(over, 'loss')!), 9);
  const log = await app.hub.store.entries({ runId, fromSeq: 1, limit: 100_000, types: null });
  const of = (type: string) =>
    log.flatMap(({ event }) => (event.type === type ? [event as { step: number; text?: string }] : []));
  // 1,406 windows of 128 characters, one left for the shift: 21 updates of 64.
  expect(foldAll(runId, log).step).toBe(21);
  expect(of('media').map((m) => m.step)).toEqual([5, 5, 10, 10, 15, 15, 20, 20, 21, 21]);
  for (const { text } of of('media')) expect([...text!].length).toBe(32 + 8);
  expect(of('snapshot').map((s) => s.step)).toEqual([0, 10, 20, 21]);
});
