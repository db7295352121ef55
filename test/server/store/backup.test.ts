import { chmodSync, existsSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, expect, it, vi } from 'vitest';
import { migrate } from '~/server/cluster/migrate';
import { backup } from '~/server/store/backup';
import { Sqlite } from '~/server/store/sqlite/driver';
import { verifyFolder } from '~/server/store/verify';
import { startApp } from '~/test/support/app';
import { ownFolder } from '~/test/support/folder';
import { publishedSetup } from '~/test/support/setups';
import { blobOf, refOf, runStarted, startValues, steps } from '~/test/support/synthetic';
import { TrainerClient } from '~/test/support/trainerClient';

/** Which of these rights the file gives. */
const openTo = (rights: number, file: string): number => (process.platform === 'win32' ? 0 : statSync(file).mode & rights);
const folder = ownFolder();
afterAll(folder.remove);
const you = { id: 'local', name: 'You', role: 'admin' } as const;

it('a backup of a server that is writing is a data folder; the server on it shows the run as it was, and trains on', async () => {
  const data = path.join(folder.path, 'data');
  const copy = path.join(folder.path, 'copy');
  let app = await startApp({ dataFolder: data });
  const { token } = app.address;
  const setup = publishedSetup('reverse');
  const { runId } = await app.hub.create(you, setup);
  let trainer = await TrainerClient.connect(app.address);
  trainer.ready();
  await trainer.assigned();
  const values = startValues(setup);
  const blob = blobOf(new Uint8Array(40_000).map((_, i) => i * 13));
  await trainer.put(blob);
  await trainer.send(runStarted(0, values), { type: 'status', status: 'running', step: 0, message: 'go' }, steps(0, 100, values));
  await trainer.send({
    type: 'checkpoint',
    step: 100,
    blob: refOf(blob),
    trigger: 'cadence',
    commandId: null,
    lastCommandSeq: 0,
  });
  expect(await backup(data, copy)).toEqual({ copied: 1, kept: 0 });
  const file = import.meta.filename;
  await expect(backup(data, file)).rejects.toThrow(`FOLDER ${file}: a file has its name; give another`);

  // It goes on while it is copied: the second backup has all that was acknowledged before it began.
  let at = 100;
  let stop = false;
  const writing = (async () => {
    while (!stop) {
      await trainer.send(steps(at, 20, values));
      at += 20;
    }
  })();
  await expect.poll(() => at).toBeGreaterThan(200);
  const acknowledged = at;
  expect(await backup(data, copy)).toEqual({ copied: 0, kept: 1 });
  stop = true;
  await writing;
  trainer.close();
  await app.close();
  rmSync(data, { recursive: true });

  const lost = path.join(copy, 'blobs', blob.hash.slice(0, 2), blob.hash);
  rmSync(lost);
  expect((await verifyFolder(copy)).unread).toEqual([
    `run ${runId}: the checkpoint of step 100: its blob ${blob.hash} is not there`,
  ]);
  writeFileSync(lost, blob.bytes);
  expect((await verifyFolder(copy)).unread).toEqual([]);
  expect((await verifyFolder(copy)).damaged).toEqual([]);
  app = await startApp({ dataFolder: copy });
  const view = await app.hub.view(runId);
  expect(view!.step).toBeGreaterThanOrEqual(acknowledged);
  expect(view!.step).toBeLessThanOrEqual(at);
  const read = await fetch(`${app.url}/api/blobs/${blob.hash}`);
  expect(new Uint8Array(await read.arrayBuffer())).toEqual(blob.bytes);
  // The token that trainers hold is the same.
  trainer = await TrainerClient.connect({ url: app.url, token });
  trainer.close();
  expect(app.trouble).toEqual([]);
  await app.close();
});

it('a checkpoint that the copied log names is in the copy, even if retention deletes it meanwhile', async () => {
  const data = path.join(folder.path, 'thinned');
  const copy = path.join(folder.path, 'thinnedCopy');
  const app = await startApp({ dataFolder: data });
  const blob = blobOf(new Uint8Array(40_000).fill(7));
  await (await TrainerClient.connect(app.address)).put(blob);
  await app.close();
  const file = path.join('blobs', blob.hash.slice(0, 2), blob.hash);
  const copying = Sqlite.prototype.backup;
  const spy = vi.spyOn(Sqlite.prototype, 'backup').mockImplementation(async function (this: never, ...options) {
    const done = await copying.apply(this, options);
    rmSync(path.join(data, file));
    return done;
  });
  expect(await backup(data, copy)).toEqual({ copied: 1, kept: 0 });
  spy.mockRestore();
  expect(existsSync(path.join(copy, file))).toBe(true);
});

it('a data folder is not copied onto itself, or into itself', async () => {
  const data = path.join(folder.path, 'self');
  await (await startApp({ dataFolder: data })).close();
  await expect(backup(data, data)).rejects.toThrow(`${data} is the data folder itself; give another folder`);
  const inside = path.join(data, 'backup');
  await expect(backup(data, inside)).rejects.toThrow(
    `FOLDER ${inside}: it lies in the data folder, and would be lost with it; give another`,
  );
});

it.skipIf(process.platform === 'win32')(
  'a database that an earlier version let every user read is closed to them when a server opens it; a group keeps its rights',
  async () => {
    const data = path.join(folder.path, 'readable');
    await (await startApp({ dataFolder: data })).close();
    const file = path.join(data, 'headroom.db');
    // Left by a server that was killed: SQLite goes on with the file that is there.
    writeFileSync(`${file}-wal`, '', { mode: 0o644 });
    chmodSync(file, 0o664);
    const app = await startApp({ dataFolder: data });
    expect(['', '-wal', '-shm'].map((part) => openTo(0o7, file + part))).toEqual([0, 0, 0]);
    expect(openTo(0o60, file)).toBe(0o60);
    await app.close();
  },
);

it('a folder that a server uses, or that holds the data of another one, is not written to', async () => {
  const data = path.join(folder.path, 'one');
  await (await startApp({ dataFolder: data })).close();
  const used = path.join(folder.path, 'used');
  await backup(data, used);
  // The database holds secrets: webhooks, and on a node the token of the trainers.
  for (const file of ['headroom.db', 'trainer.token', 'audit.jsonl'])
    for (const at of [data, used]) expect(openTo(0o77, path.join(at, file))).toBe(0);
  const app = await startApp({ dataFolder: used });
  await expect(backup(data, used)).rejects.toThrow(`FOLDER: ${used} is in use by another Headroom server`);
  await app.close();
  const other = path.join(folder.path, 'two');
  await (await startApp({ dataFolder: other })).close();
  await expect(backup(data, other)).rejects.toThrow(
    `FOLDER ${other}: it holds the data of another server (its trainer.token is another); give another`,
  );
  rmSync(path.join(other, 'trainer.token'));
  const kept = readFileSync(path.join(other, 'headroom.db'));
  await expect(backup(data, other)).rejects.toThrow(
    `FOLDER ${other}: it holds a headroom.db that no backup of ${data} wrote; give another`,
  );
  expect(readFileSync(path.join(other, 'headroom.db')).equals(kept)).toBe(true);
});

it('a folder without a database is not taken for a data folder, and nothing is made there or at the target', async () => {
  const wrong = path.join(folder.path, 'no such folder');
  const none = `there is no headroom.db in "${wrong}"; give the data folder of a server (its HEADROOM_DATA)`;
  await expect(backup(wrong, path.join(folder.path, 'target'))).rejects.toThrow(none);
  await expect(verifyFolder(wrong)).rejects.toThrow(none);
  await expect(migrate(wrong, { url: 'postgres://127.0.0.1:1/none', blobUrl: null }, () => {})).rejects.toThrow(none);
  expect([existsSync(wrong), existsSync(path.join(folder.path, 'target'))]).toEqual([false, false]);
});

it('a database that is empty, damaged, of another program or of a newer Headroom is named, not copied and not called sound', async () => {
  const data = path.join(folder.path, 'not ours');
  await (await startApp({ dataFolder: data })).close();
  const file = path.join(data, 'headroom.db');
  const ours = readFileSync(file);
  const changed = (at: number, byte: number) => Buffer.from(ours).fill(byte, at, at + 4);
  for (const [bytes, reason] of [
    [Buffer.alloc(0), `there is no headroom.db in "${data}"`],
    [changed(0, 1), `${file} is damaged (file is not a database)`],
    // Bytes 60 and 68 of a SQLite file hold the version of its format and the id of its program: sqlite.org/fileformat.html
    [changed(68, 1), `${file} is another program's database`],
    [changed(60, 1), `${file} was written by a newer Headroom`],
  ] as const) {
    writeFileSync(file, bytes);
    await expect(verifyFolder(data)).rejects.toThrow(reason);
    await expect(backup(data, path.join(folder.path, 'target'))).rejects.toThrow(reason);
  }
});
