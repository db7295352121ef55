/** A data folder copied into PostgreSQL: one written by version 0.1, with every kind of entry, blobs and an audit log. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openAuditFile } from '~/server/audit/auditFile';
import { giveLeaseBack, takeLease } from '~/server/cluster/lease';
import { migrate } from '~/server/cluster/migrate';
import type { Store } from '~/server/store';
import { openPostgresAudit } from '~/server/store/postgres/audit';
import { Database } from '~/server/store/postgres/database';
import { openPostgresStore } from '~/server/store/postgres/open';
import { verifyUrl } from '~/server/store/postgres/verify';
import { openSqliteStore } from '~/server/store/sqlite/open';
import { listKinds } from '~/shared/view';
import { startApp } from '~/test/support/app';
import { ownFolder } from '~/test/support/folder';
import { openMemoryStore } from '~/test/support/memoryStore';
import { startPostgres, type TestPostgres, withoutPostgres } from '~/test/support/postgres';
import { all, assigned, created, writer } from '~/test/support/storeEntries';
import { unpack01 } from '~/test/support/version01';

const folder = ownFolder();
const data = path.join(folder.path, 'data');
let postgres: TestPostgres;
beforeAll(async () => {
  if (withoutPostgres) return;
  postgres = await startPostgres();
  unpack01(folder.path);
  // Opened and closed once by the server of today, which saves views.
  await (await startApp({ dataFolder: data })).close();
  writeFileSync(path.join(data, 'trainer.token'), 'the-token-of-the-trainers\n');
});
afterAll(async () => {
  await postgres?.close();
  folder.remove();
});

/** Everything that a store answers about its runs. */
async function contents(store: Store) {
  const runs = (await store.runs()).sort((a, b) => (a.runId < b.runId ? -1 : 1));
  return Promise.all(
    runs.map(async (run) => ({
      run,
      entries: await store.entries({ runId: run.runId, ...all }),
      lists: await Promise.all(
        listKinds.map((kind) => store.list({ runId: run.runId, kind, before: null, limit: 1000 } as never)),
      ),
      view: await store.view(run.runId),
      signals: await store.signals(run.runId),
      streams: await store.streams(run.runId),
    })),
  );
}

describe.skipIf(withoutPostgres)('headroom migrate', () => {
  it('copies runs, views, blobs, settings, the token and the audit log; cut short, it goes on; again, it copies nothing', async () => {
    const url = await postgres.database();
    const lines: string[] = [];
    const cut = (line: string) => {
      lines.push(line);
      if (lines.filter((l) => l.includes(': copied, seq')).length === 2) throw new Error('cut short');
    };
    await expect(migrate(data, { url, blobUrl: null }, cut)).rejects.toThrow('cut short');
    const before = await openSqliteStore(data);
    await before.setSetting('webhook.x', 'https://a.secret');
    const expected = await contents(before);
    const count = expected.length;
    expect(expected.filter(({ view }) => view !== null).length).toBeGreaterThan(0);
    await before.close();
    // Cut short after the settings: the next try must not miss the audit log that one of them names.
    const target = await Database.open({ url, onTrouble: () => {} });
    await target.ask("ALTER TABLE headroom.audit ADD CONSTRAINT cut CHECK (row = '')");
    lines.length = 0;
    await expect(migrate(data, { url, blobUrl: null }, (line) => lines.push(line))).rejects.toThrow('constraint "cut"');
    expect(lines.filter((l) => l.includes(': copied, seq')).length).toBe(count - 2);
    expect(lines).toContain('2 runs were there already');
    await target.ask('ALTER TABLE headroom.audit DROP CONSTRAINT cut');
    await target.close();
    lines.length = 0;
    await migrate(data, { url, blobUrl: null }, (line) => lines.push(line));
    const entries = expected.reduce((sum, run) => sum + run.entries.length, 0);
    expect(lines.at(-1)).toMatch(
      new RegExp(
        `^read back from PostgreSQL: ${count} runs with ${entries} entries, [1-9]\\d* blobs, \\d+ rows of the audit log: all as in the folder$`,
      ),
    );
    lines.length = 0;
    await migrate(data, { url, blobUrl: null }, (line) => lines.push(line));
    expect(lines.slice(0, -1)).toEqual([`${count} runs were there already`]);

    const database = await Database.open({ url, onTrouble: () => {} });
    const store = await openPostgresStore({ database, folder: path.join(folder.path, 'index'), onNotice: () => {} });
    expect(await contents(store)).toEqual(expected);
    expect([await store.setting('webhook.x'), await store.setting('trainer.token')]).toEqual([
      'https://a.secret',
      'the-token-of-the-trainers',
    ]);
    const file = await openAuditFile(data, openMemoryStore());
    const rows = await file.audit({ fromSeq: 1, limit: 1000 });
    expect(rows.length).toBeGreaterThan(0);
    expect(await (await openPostgresAudit(database)).audit({ fromSeq: 1, limit: 1000 })).toEqual(rows);
    await file.close();
    await store.close();
    await database.close();
  });

  it('is refused where the database has other runs, where a server runs on it, and for the index of a database', async () => {
    const url = await postgres.database();
    const index = path.join(folder.path, 'another');
    const other = path.join(folder.path, 'other');
    const own = await openSqliteStore(other);
    await writer(own, 'elsewhere1').append([created]);
    await own.close();
    await migrate(other, { url, blobUrl: null }, () => {});
    const older = path.join(folder.path, 'older');
    mkdirSync(older);
    unpack01(older);
    const written = readFileSync(path.join(older, 'data/headroom.db'));
    await expect(migrate(path.join(older, 'data'), { url, blobUrl: null }, () => {})).rejects.toThrow(
      'the database holds runs that this folder does not have (elsewhere1): use an empty one',
    );
    expect(readFileSync(path.join(older, 'data/headroom.db')).equals(written)).toBe(true);
    const database = await Database.open({ url, onTrouble: () => {} });
    await (await openPostgresStore({ database, folder: index, onNotice: () => {} })).close();
    await expect(migrate(index, { url, blobUrl: null }, () => {})).rejects.toThrow(
      `${index} is only the index of a PostgreSQL database, which holds the runs: they need no copying`,
    );
    await database.ask('INSERT INTO headroom.audit VALUES (1, $1)', [
      readFileSync(path.join(data, 'audit.jsonl'), 'utf8').split('\n')[0],
    ]);
    await expect(migrate(other, { url, blobUrl: null }, () => {})).rejects.toThrow(
      `the database has rows of the audit log that ${path.join(other, 'audit.jsonl')} does not have: use an empty one`,
    );
    await database.ask("UPDATE headroom.lease SET until = clock_timestamp() + interval '1 hour'");
    await expect(migrate(other, { url, blobUrl: null }, () => {})).rejects.toThrow(
      'a Headroom server runs on this database: stop all of them',
    );
    await database.close();
  });

  it('is refused once a server has led on the database: what it added to a run that the folder has too stays', async () => {
    const url = await postgres.database();
    const other = path.join(folder.path, 'first');
    const own = await openSqliteStore(other);
    await writer(own, 'everywhere').append([created]);
    await own.close();
    await migrate(other, { url, blobUrl: null }, () => {});
    const database = await Database.open({ url, onTrouble: () => {} });
    const store = await openPostgresStore({ database, folder: path.join(folder.path, 'node'), onNotice: () => {} });
    expect(await takeLease(database, { address: 'http://10.0.0.5:3000', open: false })).toBe(true);
    await store.follow(true);
    const added = writer(store, 'everywhere');
    added.head = 1;
    await added.append([assigned(1, 0)]);
    await giveLeaseBack(database);
    const expected = await contents(store);
    await expect(migrate(other, { url, blobUrl: null }, () => {})).rejects.toThrow(
      'a Headroom server has worked on this database and may have added to its runs: use an empty database',
    );
    await store.follow(true);
    expect(await contents(store)).toEqual(expected);
    await store.close();
    await database.close();
  });

  it.each(['base', 'http://127.0.0.1:5432/headroom'])('%s is not the address of a database', async (url) => {
    await expect(migrate(data, { url, blobUrl: null }, () => {})).rejects.toThrow(
      /^DATABASE_URL: the address of a PostgreSQL database is needed, e.g. DATABASE_URL=postgres:/,
    );
  });

  it('a database that no server has used is not called sound, and gets no tables', async () => {
    const url = await postgres.database();
    const reason = 'DATABASE_URL: no Headroom server has used this database; give the address of one that has';
    await expect(verifyUrl(url, null)).rejects.toThrow(reason);
    await expect(verifyUrl(url, null)).rejects.toThrow(reason);
  });
});
