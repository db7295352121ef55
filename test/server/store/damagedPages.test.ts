/** A database of which SQLite itself cannot read some pages: everything else is verified. */
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { openBlobs } from '~/server/store/blobs';
import { openSqliteStore } from '~/server/store/sqlite/open';
import { databaseFile } from '~/server/store/sqlite/schema';
import { verifyFolder } from '~/server/store/verify';
import { fillRun } from '~/test/bench/rows';
import { ownFolder } from '~/test/support/folder';
import { blobOf } from '~/test/support/synthetic';

const pageBytes = 4096;

it('whichever page is overwritten, verify ends with one line for each thing, and reads the files beside the database', async () => {
  const folder = ownFolder();
  const store = await openSqliteStore(folder.path);
  await fillRun(store, 'pages01', 900, { width: 4, batch: 300, kind: 'f64', inFlight: 2 });
  const blobs = await openBlobs(folder.path, store);
  for (const bytes of [3, 50_000]) {
    const blob = blobOf(new Uint8Array(bytes));
    await blobs.put(blob.hash, blob.bytes);
  }
  await store.close();
  const file = databaseFile(folder.path);
  const whole = readFileSync(file);
  expect((await verifyFolder(folder.path)).sound).toContain('2 blobs');
  const unopened: string[] = [];
  for (let page = 1; page < whole.length / pageBytes; page++) {
    writeFileSync(file, Buffer.from(whole).fill(0xff, page * pageBytes, page * pageBytes + 8));
    for (const rest of ['-wal', '-shm']) rmSync(file + rest, { force: true });
    const found = await verifyFolder(folder.path).catch((error: Error) => error.message);
    // The tables themselves are not known then.
    if (typeof found === 'string') unopened.push(found);
    else {
      const { sound, damaged } = found;
      expect([page, sound.some((line) => / blobs$/.test(line)), damaged.length > 0]).toEqual([page, true, true]);
      expect(damaged.filter((line) => line.includes('\n') || !/^(headroom\.db|run|blob) ?/.test(line))).toEqual([]);
    }
  }
  expect(unopened.length).toBeLessThan(5);
  for (const message of unopened) expect(message).toMatch(/headroom\.db is damaged \(.*\); put a backup in its place/);
  folder.remove();
});
