/** The store in PostgreSQL with its index in SQLite, on a server of its own. */

import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import pg from 'pg';
import { describe, expect, it } from 'vitest';
import { AuditLog } from '~/server/audit/auditLog';
import { giveLeaseBack, renewLease } from '~/server/cluster/lease';
import { healthRoutes } from '~/server/process/health';
import { StaleHeadError, type Store } from '~/server/store';
import { helpAgainst } from '~/server/store/postgres/address';
import { openPostgresAudit } from '~/server/store/postgres/audit';
import { Database } from '~/server/store/postgres/database';
import { openPostgresStore } from '~/server/store/postgres/open';
import { Sqlite } from '~/server/store/sqlite/driver';
import { openSqliteStore } from '~/server/store/sqlite/open';
import { databaseFile } from '~/server/store/sqlite/schema';
import { summarize } from '~/shared/summary';
import { startApp } from '~/test/support/app';
import { rowsOf } from '~/test/support/auditRows';
import { startNetwork } from '~/test/support/cluster';
import { ownNodes } from '~/test/support/nodes';
import { withoutPostgres } from '~/test/support/postgres';
import { serveRoutes } from '~/test/support/routeServer';
import { storeContract } from '~/test/support/storeContract';
import { ada, all, assigned, created, declared, rows, status, writer } from '~/test/support/storeEntries';
import { foldAll } from '~/test/support/views';

const nodes = ownNodes();

/** A way to the database that can lose an answer: it cuts the connection once the statement with this text was answered. */
async function losingAnswers(to: string) {
  const target = new URL(to);
  const port = Number(target.port);
  const sockets = new Set<Socket>();
  let losing: string | null = null;
  let lost = 0;
  const server = createServer((client) => {
    const there = connect(port, target.hostname);
    let loses = false;
    for (const socket of [client, there]) sockets.add(socket.on('error', () => {}));
    client.on('data', (bytes) => {
      if (losing !== null && bytes.includes(losing)) {
        losing = null;
        loses = true;
      }
      there.write(bytes);
    });
    there.on('data', (bytes) => {
      if (!loses) return client.write(bytes);
      lost++;
      loses = false;
      return client.destroy();
    });
    client.on('close', () => there.destroy());
    there.on('close', () => client.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  target.port = String((server.address() as AddressInfo).port);
  return {
    url: target.href,
    lose(text: string) {
      losing = text;
    },
    lost: () => lost,
    close() {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

describe.skipIf(withoutPostgres)('the store in PostgreSQL', () =>
  storeContract(async () => {
    const { store, close } = await nodes.begin(await nodes.database());
    return { ...store, close };
  }),
);

describe.skipIf(withoutPostgres)('an index of PostgreSQL', () => {
  const wholeLog = (store: Store, runId: string) => store.entries({ runId, ...all });
  const fill = async (store: Store, runId: string) => {
    const run = writer(store, runId);
    await run.append([created, assigned(1, 0), declared()]);
    for (let i = 0; i < 5; i++) await run.append([rows(i * 10, 10, 2, (s, c) => s / (c + 3))]);
    // Events that were set aside: the trainer's next number moves, the log does not.
    await store.append({ runId, after: run.head, attempt: 1, nextEvent: 99, entries: [] });
    return run;
  };

  it('that was deleted is read from PostgreSQL again: entries, rows, attempt, next event, chain, settings', async () => {
    const url = await nodes.database();
    const first = await nodes.begin(url);
    const run = await fill(first.store, 'run001');
    await first.store.setSetting('webhook.a', 'https://secret');
    const before = [await first.store.runs(), await first.store.chainAt('run001', run.log.at(-1)!.seq)];
    await first.close();
    const again = await nodes.begin(url);
    expect(await wholeLog(again.store, 'run001')).toEqual(run.log);
    expect([await again.store.runs(), await again.store.chainAt('run001', run.log.at(-1)!.seq)]).toEqual(before);
    expect(await again.store.setting('webhook.a')).toBe('https://secret');
    await again.close();
  });

  it('that is behind, because the process was killed between the two commits, catches up when it is opened', async () => {
    const url = await nodes.database();
    const index = nodes.newIndex();
    const first = await nodes.begin(url, index);
    const run = await fill(first.store, 'run001');
    const { head } = run;
    await first.close();
    // Committed in PostgreSQL only: by an index that is thrown away.
    const other = await nodes.begin(url);
    const entries = [{ seq: head + 1, attempt: 1, at: 5, event: status(50, 'one more') }];
    await other.store.append({ runId: 'run001', after: head, attempt: 1, nextEvent: 100, entries });
    await other.store.remove('nosuch');
    await other.close();
    const again = await nodes.begin(url, index);
    expect(await wholeLog(again.store, 'run001')).toEqual([...run.log, ...entries]);
    expect((await again.store.runs())[0]).toMatchObject({ head: head + 1, attempt: 1, nextEvent: 100 });
    expect(nodes.notices.splice(0)).toEqual([]);
    await again.close();
  });

  it('that has another log under the same id, or a run that is gone, is made the same as PostgreSQL, and says so', async () => {
    const url = await nodes.database();
    const index = nodes.newIndex();
    const first = await nodes.begin(url, index);
    await fill(first.store, 'run001');
    await fill(first.store, 'run002');
    await first.close();
    const other = await nodes.begin(url);
    await other.store.remove('run001');
    await other.store.remove('run002');
    const run = writer(other.store, 'run001');
    await run.append([created, status(7, 'another one')]);
    await other.close();
    const again = await nodes.begin(url, index);
    expect((await again.store.runs()).map(({ runId }) => runId)).toEqual(['run001']);
    expect(await wholeLog(again.store, 'run001')).toEqual(run.log);
    expect(nodes.notices.splice(0)).toEqual([
      `run run001: the index in ${index} is not of the log in PostgreSQL; it is built again`,
    ]);
    await again.close();
  });

  it('follows while another node writes, also a run that was removed and made again', async () => {
    const url = await nodes.database();
    const leading = await nodes.begin(url);
    const standing = await openPostgresStore({
      database: await Database.open({ url, onTrouble: () => {} }),
      folder: nodes.newIndex(),
      onNotice: (text) => nodes.notices.push(text),
    });
    const run = await fill(leading.store, 'run001');
    const view = foldAll('run001', run.log);
    await leading.store.saveView(view, summarize(view, 0));
    await standing.follow(false);
    expect(await wholeLog(standing, 'run001')).toEqual(run.log);
    // The node folds on from it when it takes over.
    expect([await standing.view('run001'), (await standing.runs())[0]!.summary?.seq]).toEqual([view, view.seq]);
    await leading.store.remove('run001');
    const again = writer(leading.store, 'run001');
    await again.append([created, assigned(1, 0)]);
    await standing.follow(false);
    expect(await wholeLog(standing, 'run001')).toEqual(again.log);
    nodes.notices.length = 0;
    await standing.close();
    await leading.close();
  });

  it('is refused in a folder with runs of its own, and in one that indexes another database', async () => {
    const index = nodes.newIndex();
    const own = await openSqliteStore(index);
    await writer(own, 'run001').append([created]);
    await own.close();
    await expect(nodes.begin(await nodes.database(), index)).rejects.toThrow(
      `HEADROOM_DATA: ${index} holds runs of its own, which are not in PostgreSQL; \`headroom migrate\` copies them there, or choose an empty folder`,
    );
    const other = nodes.newIndex();
    await (await nodes.begin(await nodes.database(), other)).close();
    await expect(nodes.begin(await nodes.database(), other)).rejects.toThrow(
      `HEADROOM_DATA: ${other} is the index of another database than DATABASE_URL; choose another folder, which may be empty`,
    );
  });

  it('an append whose entries PostgreSQL has, but the index could not take, is there when the runs are read again', async () => {
    const url = await nodes.database();
    const index = nodes.newIndex();
    const { store, close } = await nodes.begin(url, index);
    const run = await fill(store, 'run001');
    // A full disk, as the index sees it: another connection holds the file.
    const held = new Sqlite(databaseFile(index));
    held.exec('BEGIN IMMEDIATE');
    const entries = [{ seq: run.head + 1, attempt: 1, at: 5, event: status(50, 'one more') }];
    const write = { runId: 'run001', after: run.head, attempt: 1, nextEvent: 100, entries };
    const appended = store.append(write);
    await expect(appended).rejects.toThrow('database is locked');
    held.exec('ROLLBACK');
    held.close();
    expect((await store.runs())[0]).toMatchObject({ head: run.head, nextEvent: 99 });
    await store.append(write);
    expect(await wholeLog(store, 'run001')).toEqual([...run.log, ...entries]);
    await close();
  });

  it('a write under an older number of the lease is refused, and nothing of it stays', async () => {
    const url = await nodes.database();
    const old = await nodes.begin(url);
    const run = await fill(old.store, 'run001');
    await giveLeaseBack(old.database);
    const next = await nodes.begin(url);
    const entries = [{ seq: run.head + 1, attempt: 1, at: 5, event: status(50) }];
    const late = { runId: 'run001', after: run.head, attempt: 1, nextEvent: 100, entries };
    for (const write of [() => old.store.append(late), () => old.store.setSetting('a', 'b'), () => old.store.remove('run001')])
      await expect(write()).rejects.toThrow('another node leads now: this one may not write any more');
    expect(await renewLease(old.database)).toBe(false);
    await next.store.follow(true);
    expect([await wholeLog(next.store, 'run001'), await next.store.setting('a')]).toEqual([run.log, null]);
    await old.close();
    await next.close();
  });

  it('a write whose answer is lost with its connection takes effect once: appends, also the first and an empty one, settings, audit rows', async () => {
    const { url, lose, lost, close: closeProxy } = await losingAnswers(await nodes.database());
    const { database, store, close } = await nodes.begin(url);
    const run = writer(store, 'run001');
    lose('INSERT INTO headroom.runs');
    await run.append([created]);
    for (let i = 0; i < 3; i++) {
      lose('UPDATE headroom.runs');
      await run.append([status(i)]);
    }
    lose('UPDATE headroom.runs');
    const empty = { runId: 'run001', after: run.head, attempt: 0, nextEvent: 99, entries: [] };
    await store.append(empty);
    lose('INSERT INTO headroom.settings');
    await store.setSetting('a', 'b');
    const audit = await AuditLog.open(await openPostgresAudit(database), () => 7);
    lose('INSERT INTO headroom.audit');
    await audit.record(ada, () => ({ events: [{ type: 'run.changed', runId: 'run001', what: 'x' }], result: undefined }));
    expect(lost()).toBe(7);
    expect(await wholeLog(store, 'run001')).toEqual(run.log);
    expect((await store.runs())[0]).toMatchObject({ head: run.head, nextEvent: 99 });
    // One that really was written by somebody else before is refused as ever.
    await expect(store.append({ ...empty, after: run.head - 1 })).rejects.toThrow(
      new StaleHeadError('run001', run.head - 1, run.head),
    );
    const counted = await database.ask('SELECT version, (SELECT count(*) FROM headroom.appends) AS appends FROM headroom.runs');
    expect(counted).toEqual([{ version: 5, appends: 5 }]);
    expect((await rowsOf(audit)).map(({ seq }) => seq)).toEqual([1]);
    await close();
    closeProxy();
  });

  it('a node that is cut off is not ready while its statements still wait, and is ready again', async () => {
    const there = new URL(await nodes.database());
    const network = await startNetwork(Number(there.port));
    there.port = String(network.port);
    const { store, close } = await nodes.begin(there.href);
    const served = await serveRoutes(healthRoutes('1', { store: () => store.check() }), ada);
    const ready = async () => (await (await fetch(`${served.url}/readyz`)).json()) as object;
    expect(await ready()).toEqual({ ok: true, problems: {} });
    network.cut();
    expect(await ready()).toEqual({ ok: false, problems: { store: 'no answer within 2 s' } });
    network.mend();
    await expect.poll(ready, { timeout: 60_000 }).toEqual({ ok: true, problems: {} });
    await close();
    await served.close();
    network.close();
  });

  it('a data folder that is an index is refused without DATABASE_URL: its runs would part from PostgreSQL', async () => {
    const index = nodes.newIndex();
    await (await nodes.begin(await nodes.database(), index)).close();
    await expect(startApp({ dataFolder: index })).rejects.toThrow(
      `HEADROOM_DATA: ${index} is the index of a PostgreSQL database; set DATABASE_URL, or choose another folder`,
    );
  });

  it('tables of a newer Headroom, and a database that cannot be reached, are refused with what to do', async () => {
    const url = await nodes.database();
    const { database, close } = await nodes.begin(url);
    await database.ask('UPDATE headroom.database SET format = 99');
    await close();
    await expect(nodes.begin(url)).rejects.toThrow(
      'DATABASE_URL: the database was written by a newer Headroom (format 99, this one knows 2); update Headroom',
    );
    await expect(nodes.begin(`${url}nosuch`, nodes.newIndex())).rejects.toThrow(
      /^DATABASE_URL: PostgreSQL cannot be used \(database "test\d+nosuch" does not exist\); make it \(createdb\), or give the name of one that is there$/,
    );
    await expect(nodes.begin('postgres://headroom@127.0.0.1:1/headroom', nodes.newIndex())).rejects.toThrow(
      'DATABASE_URL: PostgreSQL cannot be used (connect ECONNREFUSED 127.0.0.1:1); check that it runs and that the address is right',
    );
    const again = await nodes.begin(await nodes.database());
    await again.database.ask('CREATE ROLE guest LOGIN');
    await again.close();
    await expect(nodes.begin((await nodes.database()).replace('headroom@', 'guest@'), nodes.newIndex())).rejects.toThrow(
      /permission denied for database test\d+\); its user must own the schema headroom, or be able to make it: GRANT CREATE ON DATABASE \.\.\. TO \.\.\.$/,
    );
    await expect(nodes.begin(`${url}?sslmode=verify-full&sslrootcert=/nosuch`, nodes.newIndex())).rejects.toThrow(
      /^DATABASE_URL: PostgreSQL cannot be used \(ENOENT/,
    );
  });

  it('a user who may make no schema works in the one that was made for it', async () => {
    const url = await nodes.database();
    const admin = new pg.Client(url);
    await admin.connect();
    await admin.query('CREATE ROLE tenant LOGIN; CREATE SCHEMA headroom AUTHORIZATION tenant');
    await admin.end();
    const { store, close } = await nodes.begin(url.replace('headroom@', 'tenant@'), nodes.newIndex());
    await store.setSetting('color', 'blue');
    expect(await store.setting('color')).toBe('blue');
    await close();
  });

  it.each([
    ['28000', 'pg_hba.conf rejects connection for host "h", no encryption', 'end the address with ?sslmode=verify-full'],
    ['DEPTH_ZERO_SELF_SIGNED_CERT', 'self-signed certificate', '?sslmode=verify-full&sslrootcert=FILE'],
    ['', 'The server does not support SSL connections', 'leave sslmode out of the address'],
    ['', 'SASL: SCRAM-SERVER-FIRST-MESSAGE: client password must be a string', 'give the user and the password that it knows'],
    ['', 'URI malformed', '@ is written %40'],
  ])('what helps against %s %s', (code, message, help) => {
    expect(helpAgainst(Object.assign(new Error(message), { code }))).toContain(help);
  });
});
