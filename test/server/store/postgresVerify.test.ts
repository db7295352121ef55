/** What is found where something in PostgreSQL was lost or changed. */

import { describe, expect, it, vi } from 'vitest';
import { AuditLog } from '~/server/audit/auditLog';
import { firstBroken, lastRowKey } from '~/server/audit/chain';
import { backup } from '~/server/store/backup';
import { openBlobs } from '~/server/store/blobs';
import { openPostgresAudit } from '~/server/store/postgres/audit';
import { openPostgresBlobs } from '~/server/store/postgres/blobs';
import { verifyDatabase } from '~/server/store/postgres/verify';
import { verifyFolder } from '~/server/store/verify';
import type { RunEvent } from '~/shared/events';
import { fillRun } from '~/test/bench/rows';
import { rowsOf } from '~/test/support/auditRows';
import { ownNodes } from '~/test/support/nodes';
import { withoutPostgres } from '~/test/support/postgres';
import { ada, assigned, created, status, writer } from '~/test/support/storeEntries';
import { type Blob, blobOf, refOf } from '~/test/support/synthetic';

const nodes = ownNodes();
/** The tests end while unused objects are still looked for. */
const noTrouble = () => {};

describe.skipIf(withoutPostgres)('the audit log and verify in PostgreSQL', () => {
  it('the audit log keeps its chain from node to node, and a changed row is refused', async () => {
    const url = await nodes.database();
    const { database, close } = await nodes.begin(url);
    const event = { type: 'run.changed', runId: 'run001', what: 'imported' } as const;
    const first = await AuditLog.open(await openPostgresAudit(database), () => 7);
    await first.record(ada, () => ({ events: [event, event], result: undefined }));
    const second = await AuditLog.open(await openPostgresAudit(database), () => 8);
    await second.record(ada, () => ({ events: [event], result: undefined }));
    const kept = await rowsOf(second);
    expect([kept.map(({ seq, at }) => [seq, at]), firstBroken(null, kept)]).toEqual([
      [
        [1, 7],
        [2, 7],
        [3, 8],
      ],
      null,
    ]);
    // One that knows only two rows: its third is refused.
    await expect(first.record(ada, () => ({ events: [event], result: undefined }))).rejects.toThrow(
      'the audit log in PostgreSQL already has other rows from 3 on',
    );
    await database.ask("UPDATE headroom.audit SET row = replace(row, 'imported', 'deleted') WHERE seq = 2");
    await expect(openPostgresAudit(database)).rejects.toThrow(
      'the audit log in PostgreSQL: row 2: its content is not what was hashed when it was written. Restore a backup of the database',
    );
    await close();
  });

  it('rows cut off at the end of the audit log are noticed by a start and by verify, all of them too; rows that a node adds while it is read are no damage', async () => {
    const url = await nodes.database();
    const { database, close } = await nodes.begin(url);
    const event = { type: 'run.changed', runId: 'run001', what: 'imported' } as const;
    const opened = async () => AuditLog.open(await openPostgresAudit(database), () => 7);
    const add = async (audit: AuditLog, count: number) =>
      audit.record(ada, () => ({ events: Array.from({ length: count }, () => event), result: undefined }));
    // As an earlier version wrote it: nothing names the last row until a node leads.
    await add(await opened(), 1);
    await database.ask('DELETE FROM headroom.settings WHERE key = $1', [lastRowKey]);
    await opened();
    await database.ask('DELETE FROM headroom.audit');
    const missing = (row: number, last: number) => `row ${row}: it is missing: rows up to ${last} were written`;
    await expect(opened()).rejects.toThrow(`the audit log in PostgreSQL: ${missing(1, 1)}. Restore a backup of the database`);
    expect((await verifyDatabase(database)).damaged).toEqual([`audit log: ${missing(1, 1)}`]);

    await database.ask('DELETE FROM headroom.settings WHERE key = $1', [lastRowKey]);
    const again = await opened();
    await add(again, 1);
    const ask = database.ask.bind(database);
    const spy = vi.spyOn(database, 'ask').mockImplementation(async (sql, values) => {
      const answer = await ask(sql, values);
      if (/FROM headroom.(audit|settings)/.test(sql)) await add(again, 1);
      return answer as never;
    });
    expect((await verifyDatabase(database)).damaged).toEqual([]);
    spy.mockRestore();
    const last = (await rowsOf(again)).length;
    await database.ask('DELETE FROM headroom.audit WHERE seq = $1', [last]);
    expect((await verifyDatabase(database)).damaged).toEqual([`audit log: ${missing(last, last)}`]);
    await expect(opened()).rejects.toThrow(missing(last, last));
    await close();
  });

  it('verify reads logs, blobs and the audit log in PostgreSQL, and names what was changed; a folder that is only an index is refused', async () => {
    const url = await nodes.database();
    const folder = nodes.newIndex();
    const { database, store, close } = await nodes.begin(url, folder);
    await fillRun(store, 'sound1', 20, { width: 2, batch: 10, kind: 'f64', inFlight: 1 });
    await fillRun(store, 'hurt01', 20, { width: 2, batch: 10, kind: 'f64', inFlight: 1 });
    const blobs = await openPostgresBlobs(database, await openBlobs(folder, store), noTrouble);
    const [kept, hurt] = [blobOf(Buffer.alloc(100, 1)), blobOf(Buffer.alloc(100, 2))];
    for (const { hash, bytes } of [kept, hurt]) await blobs.put(hash, bytes);
    const audit = await AuditLog.open(await openPostgresAudit(database), () => 7);
    const event = { type: 'run.changed', runId: 'sound1', what: 'imported' } as const;
    await audit.record(ada, () => ({ events: [event], result: undefined }));
    const { sound, damaged } = await verifyDatabase(database);
    expect([sound.slice(1), damaged]).toEqual([['2 blobs', '1 rows of the audit log'], []]);
    await expect(verifyFolder(folder)).rejects.toThrow(
      `${folder} is only the index of a PostgreSQL database, which holds the runs: DATABASE_URL=postgres://... headroom verify`,
    );
    await expect(backup(folder, nodes.newIndex())).rejects.toThrow(
      `${folder} is only the index of a PostgreSQL database, which holds the runs: back that up with pg_dump, or with its archive of write-ahead logs`,
    );
    await database.ask(
      `UPDATE headroom.appends SET head = head + 1 WHERE version = 2 AND run = (SELECT id FROM headroom.runs WHERE run_id = 'hurt01')`,
    );
    await database.ask('UPDATE headroom.blob_parts SET bytes = $2 WHERE hash = $1', [hurt.hash, kept.bytes]);
    await database.ask("UPDATE headroom.audit SET row = replace(row, 'imported', 'deleted')");
    expect((await verifyDatabase(database)).damaged.map((line) => line.replace(/ \(.*/, ''))).toEqual([
      'run hurt01: append 2 in PostgreSQL is not what was written',
      `blob ${hurt.hash}: its bytes are not what was written`,
      'audit log: row 1: its content is not what was hashed when it was written',
    ]);
    await close();
  });

  it('verify names the files of items in force that are gone; not those that the run went back over, and not those that were deleted or imported without them', async () => {
    const url = await nodes.database();
    const folder = nodes.newIndex();
    const { database, store, close } = await nodes.begin(url, folder);
    const blobs = await openPostgresBlobs(database, await openBlobs(folder, store), noTrouble);
    const run = writer(store, 'lost01', true);
    const of = (seed: number) => blobOf(Buffer.alloc(100, seed));
    const [kept, lost, deleted, imported, over] = [1, 2, 3, 4, 5].map(of) as [Blob, Blob, Blob, Blob, Blob];
    const saved = (step: number, blob: Blob): RunEvent => ({
      type: 'checkpoint',
      step,
      blob: refOf(blob),
      trigger: 'cadence',
      commandId: null,
      lastCommandSeq: 0,
    });
    await run.append([created, assigned(1, 0), status(0)]);
    const [first] = await run.append([saved(0, deleted), saved(1, kept), saved(2, lost), saved(3, imported), saved(9, over)]);
    await blobs.put(kept.hash, kept.bytes);
    await run.append([{ type: 'rewind', step: 5 }]);
    await store.setSetting('imports.missing', JSON.stringify([imported.hash]));
    const unread = async () => (await verifyDatabase(database)).unread;
    const line = (step: number, { hash }: Blob) => `run lost01: the checkpoint of step ${step}: its blob ${hash} is not there`;
    expect(await unread()).toEqual([line(0, deleted), line(2, lost)]);

    const ask = database.ask.bind(database);
    // The files of a run that is being imported come after its log.
    await store.setSetting('imports.pending', '["lost01"]');
    expect(await unread()).toEqual([]);
    await store.setSetting('imports.pending', '[]');

    let recorded = false;
    // Retention records a deletion while the files are looked for.
    const spy = vi.spyOn(database, 'ask').mockImplementation(async (sql, values) => {
      if (!recorded && /FROM headroom.blobs WHERE hash = ANY/.test(sql)) {
        recorded = true;
        await run.append([{ type: 'checkpoints.thinned', quotaBytes: 1, seqs: [first!.seq], message: '' }]);
      }
      return ask(sql, values) as never;
    });
    expect(await unread()).toEqual([line(2, lost)]);
    spy.mockRestore();
    await close();
  });
});
