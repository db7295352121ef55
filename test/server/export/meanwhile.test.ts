/** A run that changes while it is exported: the file is whole and of one state, or the export says what happened. */
import { gunzipSync } from 'node:zlib';
import { beforeAll, expect, it } from 'vitest';
import { exportFormats, exportQuery, writeExport } from '~/server/export/formats';
import { ExportError } from '~/server/export/source';
import { buildReplayPage } from '~/server/process/buildReplay';
import { type BlobReader, openBlobs } from '~/server/store/blobs';
import { openSqliteStore } from '~/server/store/sqlite/open';
import { unpack } from '~/shared/pack';
import type { ReplaySeries } from '~/shared/replayFile';
import type { ListItems } from '~/shared/view';
import { startApp } from '~/test/support/app';
import { ownFolder } from '~/test/support/folder';
import { publishedSetup } from '~/test/support/setups';
import { ada, assigned, writer } from '~/test/support/storeEntries';
import { blobOf, refOf, runStarted, snapshot, startValues, steps } from '~/test/support/synthetic';
import { membersOf } from '~/test/support/tar';

beforeAll(buildReplayPage);

const setup = publishedSetup('reverse');
const values = startValues(setup);
const formats = exportFormats.filter(({ of }) => of !== 'snapshot').map(({ format }) => format);
const tables = formats.filter((format) => format !== 'headroom');
/** More rows than a page of any format holds. */
const stepCount = 6000;

type Source = Awaited<ReturnType<typeof makeRun>>;
async function makeRun(folder: string) {
  const store = await openSqliteStore(folder);
  const blobs = await openBlobs(folder, store);
  const run = writer(store, 'record1', true);
  await run.append([{ type: 'run.created', setup, actor: ada, parent: null }]);
  await run.append([assigned(1, 0)]);
  await run.append([runStarted(0, values)]);
  for (let step = 0; step < stepCount; step += 2000) {
    const maps = blobOf(new Uint8Array(100_000).map((_, i) => (i * (step + 7)) % 251));
    await blobs.put(maps.hash, maps.bytes);
    await run.append([{ ...snapshot(step, setup, 'cadence').event, blob: refOf(maps) } as never, steps(step, 2000, values)]);
  }
  return { store, blobs, run };
}

/** The export of the run, to which `meanwhile` happens after its first part, or (`early`) before its first blob is read. */
async function exported(format: string, meanwhile: (of: Source) => Promise<unknown>, early = false): Promise<Buffer> {
  const folder = ownFolder();
  const of = await makeRun(folder.path);
  try {
    let happened: Promise<unknown> | null = null;
    const happens = () => {
      happened ??= meanwhile(of);
      return happened;
    };
    const open: BlobReader['open'] = async (hash) => {
      if (early) await happens();
      return of.blobs.open(hash);
    };
    const source = { ...of.store, blobs: { ...of.blobs, open } };
    const parts = writeExport(source, exportQuery.parse({ runId: 'record1', format }), 1);
    const all = [(await parts.next()).value as Uint8Array];
    if (!early) await happens();
    for await (const part of parts) all.push(part);
    return Buffer.concat(all);
  } finally {
    await of.store.close();
    folder.remove();
  }
}

it.each(tables)('as %s: rows of a run that goes back meanwhile, or is deleted, do not pass for a whole file', async (format) => {
  const back = exported(format, async ({ run }) => {
    await run.append([assigned(2, 1000)]);
    await run.append([steps(1000, 10, values)]);
  });
  await expect(back).rejects.toThrow(
    new ExportError('run record1 went back to step 1000 while it was exported; export it again'),
  );
  const deleted = exported(format, ({ store }) => store.remove('record1'));
  await expect(deleted).rejects.toThrow(new ExportError('run record1 was deleted while it was exported'));
  // Nothing that was read is taken back.
  await exported(format, ({ run }) => run.append([assigned(2, stepCount)]));
});

it('as csv: a run that goes on has the rows of the moment at which the export began', async () => {
  const more = await exported('csv', ({ run }) => run.append([steps(stepCount, 500, values)]));
  expect(more.equals(await exported('csv', async () => {}))).toBe(true);
});

it('as a replay: every row is in the file of a run that goes on meanwhile', async () => {
  const page = (await exported('html', ({ run }) => run.append([steps(stepCount, 500, values)]))).toString();
  const [, text] = /id="rows-0">([^<]*)</.exec(page)!;
  const [first] = unpack(gunzipSync(Buffer.from(text!, 'base64'))) as ReplaySeries[];
  expect([first!.bucketSteps, first!.steps.length]).toEqual([1, stepCount]);
});

it('as headroom: what retention deletes meanwhile is deleted in the file, too, by the entry that says so', async () => {
  const file = await exported(
    'headroom',
    async ({ blobs, store, run }) => {
      const [{ seq, blob }] = (await store.list({ runId: 'record1', kind: 'snapshots', limit: 10 })).slice(1) as [
        ListItems['snapshots'],
      ];
      await run.append([{ type: 'snapshots.thinned', quotaBytes: 1, seqs: [seq], message: 'thinned' }]);
      await blobs.remove(blob.hash);
    },
    true,
  );
  const members = await membersOf(gunzipSync(file));
  expect(members.map(({ name }) => name.replace(/[0-9a-f]{64}/, 'hash'))).toEqual([
    ...['manifest.json', 'log/000001.pack', 'blobs/hash', 'blobs/hash', 'log/000002.pack', 'end.json'],
  ]);
  const app = await startApp();
  try {
    const answer = await fetch(`${app.url}/api/import?name=x`, { method: 'POST', body: file as never });
    expect([answer.status, await answer.json()]).toEqual([201, { runId: 'record1', leftOut: null }]);
    const { recent } = (await app.hub.view('record1'))!;
    expect(recent.snapshots.items.map(({ step }) => step)).toEqual([0, 4000]);
  } finally {
    await app.close();
  }
});

it('as a replay: maps that retention deletes meanwhile are an error that says so', async () => {
  const thinned = exported('html', async ({ blobs, store }) => {
    for (const { blob } of await store.list({ runId: 'record1', kind: 'snapshots', limit: 10 })) await blobs.remove(blob.hash);
  });
  const message = 'maps of run record1 were deleted to save space while it was exported; export it again';
  await expect(thinned).rejects.toThrow(new ExportError(message));
});
