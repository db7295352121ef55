import { existsSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { Jobs } from '~/server/base/jobs';
import { ImportDesk } from '~/server/import/desk';
import { importFiles } from '~/server/import/importRun';
import { importRoutes } from '~/server/import/routes';
import { forgetCutImports } from '~/server/import/unfinishedImports';
import type { Store } from '~/server/store';
import { openBlobs } from '~/server/store/blobs';
import type { Actor } from '~/shared/ids';
import { ownFolder } from '~/test/support/folder';
import { openMemoryStore } from '~/test/support/memoryStore';
import { serveRoutes } from '~/test/support/routeServer';
import { ada, created, writer } from '~/test/support/storeEntries';

const folder = ownFolder();
afterAll(folder.remove);
let files = 0;
const fileOf = (bytes: string | Uint8Array): string => {
  const file = path.join(folder.path, `file${files++}`);
  writeFileSync(file, bytes);
  return file;
};

const deps = async (store: Store) => ({
  store,
  blobs: await openBlobs(path.join(folder.path, `data${files++}`), store),
  now: () => 5000,
  adopt: async () => {},
});

async function imported(store: Store, text: string): Promise<{ runId: string }> {
  const spoolFolder = path.join(folder.path, `spool${files++}`);
  mkdirSync(spoolFolder);
  const result = await importFiles(await deps(store), {
    files: [{ path: fileOf(text), name: 'x.csv' }],
    spoolFolder,
    actor: ada,
  });
  return { runId: result.runs[0]!.runId! };
}

/** The routes over this store. */
const served = async (store: Store, dataFolder: string, actor: Actor) =>
  serveRoutes(
    importRoutes({
      ...(await deps(store)),
      desk: new ImportDesk(dataFolder, () => 0),
      jobs: new Jobs(),
      imported: async () => {},
    }),
    actor,
  );

describe('importing', () => {
  it('steps with gaps stay where they are', async () => {
    const store = openMemoryStore();
    const { runId } = await imported(store, 'step,loss\n10,1\n11,2\n20,3\n');
    const range = await store.range({ runId, series: null, fromStep: 0, toStep: null, buckets: 100 });
    expect([range.headStep, [...range.series[0]!.steps]]).toEqual([21, [10, 11, 20]]);
    expect(
      (await store.entries({ runId, fromSeq: 1, limit: 9, types: null })).map((e) => [e.seq, e.attempt, e.event.type]),
    ).toEqual([
      [1, 0, 'run.created'],
      [2, 0, 'series'],
      [3, 0, 'rows'],
      [6, 0, 'status'],
    ]);
  });

  it('a write that fails in the middle leaves nothing', async () => {
    const store = openMemoryStore();
    let appends = 0;
    const failing: Store = {
      ...store,
      append: (write) => (++appends === 2 ? Promise.reject(new Error('database or disk is full')) : store.append(write)),
    };
    const rows = Array.from({ length: 10_000 }, (_, i) => `${i},1`).join('\n');
    await expect(imported(failing, `step,loss\n${rows}\n`)).rejects.toThrow('database or disk is full');
    expect([await store.runs(), await store.setting('imports.pending')]).toEqual([[], '[]']);
  });

  it('onto a full disk is refused with that, in every phase', async () => {
    const store: Store = { ...openMemoryStore(), append: () => Promise.reject(new Error('database or disk is full')) };
    const dataFolder = path.join(folder.path, 'full');
    const server = await served(store, dataFolder, ada);
    const full = [507, { error: 'the disk of the server is full: make room there and ask again' }];
    const written = await fetch(`${server.url}/api/import?name=x.csv`, { method: 'POST', body: 'step,loss\n0,1\n' });
    expect([written.status, await written.json()]).toEqual(full);
    const { id } = (await (await fetch(`${server.url}/api/imports`, { method: 'POST' })).json()) as { id: string };
    const at = path.join(dataFolder, 'imports', id);
    // More rows of a series than are kept in memory.
    const body = `step,loss\n${Array.from({ length: 20_000 }, (_, i) => `${i},1`).join('\n')}\n`;
    await fetch(`${server.url}/api/imports/${id}/files?path=x.csv`, { method: 'PUT', body });
    // Where a reader keeps what does not fit into memory.
    symlinkSync('/dev/full', path.join(at, 'spool/0-0.points'));
    const read = await fetch(`${server.url}/api/imports/${id}/plan`, { method: 'POST' });
    expect([read.status, await read.json()]).toEqual(full);
    await server.close();
  });

  it('an upload that cannot be written is answered, however much of it is still to come', async () => {
    const dataFolder = path.join(folder.path, 'gone');
    const server = await served(openMemoryStore(), dataFolder, ada);
    const { id } = (await (await fetch(`${server.url}/api/imports`, { method: 'POST' })).json()) as { id: string };
    rmSync(path.join(dataFolder, 'imports'), { recursive: true });
    const body = new Uint8Array(20_000_000);
    const answer = await fetch(`${server.url}/api/imports/${id}/files?path=x.csv`, { method: 'PUT', body });
    expect([answer.status, await answer.text()]).toEqual([500, 'the server could not answer this; its log says why\n']);
    await server.close();
  });

  it('what a crash left of an import is gone after the next start; other runs stay', async () => {
    const store = openMemoryStore();
    await writer(store, 'cutoff1').append([created]);
    await writer(store, 'other01').append([created]);
    await store.setSetting('imports.pending', '["cutoff1"]');
    await forgetCutImports(store);
    expect([(await store.runs()).map((r) => r.runId), await store.setting('imports.pending')]).toEqual([['other01'], '[]']);
  });

  it('a viewer may not bring runs in', async () => {
    const dataFolder = path.join(folder.path, 'viewer');
    const server = await served(openMemoryStore(), dataFolder, { id: 'v', name: 'Vera', role: 'viewer' });
    for (const [method, address] of [
      ['POST', 'import?name=x.csv'],
      ['POST', 'imports'],
    ] as const) {
      const answer = await fetch(`${server.url}/api/${address}`, { method, body: 'step,loss\n0,1\n' });
      expect([answer.status, await answer.json()]).toEqual([403, { error: 'Vera (viewer) may not start runs' }]);
    }
    expect(existsSync(path.join(dataFolder, 'imports'))).toBe(false);
    await server.close();
  });

  it('claims nothing that nobody knows: no recipe, no trainer, no device, no control', async () => {
    const store = openMemoryStore();
    const { runId } = await imported(store, 'step,loss,split\n0,1,train\n');
    const view = (await store.view(runId))!;
    expect([view.setup, view.trainer, view.device, view.controls, view.stepsPerEpoch, view.totalSteps]).toEqual([
      { name: 'x', project: 'default', tags: [], recipe: null, config: {} },
      null,
      null,
      { values: [], actions: [] },
      0,
      0,
    ]);
    expect([view.status, view.statusMessage]).toEqual([
      'finished',
      'imported from x.csv (CSV); left out or assumed: column "split" (text such as "train", line 2; 1 row)',
    ]);
  });
});
