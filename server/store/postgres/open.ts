import { serial } from '~/server/base/serial';
import type { Append, Store, StoredRun } from '~/server/store';
import { firstLink } from '~/server/store/chain';
import { openSqliteStore } from '~/server/store/sqlite/open';
import { pack, unpack } from '~/shared/pack';
import type { Database } from './database';
import {
  appendRow,
  appendsAfter,
  type Position,
  type RunRow,
  removeRow,
  runRow,
  runRows,
  samePosition,
  savedView,
  saveSetting,
  saveViewRow,
  versionAt,
} from './log';

/** Setting of a data folder: the id of the database whose logs it indexes. */
export const databaseKey = 'postgres.database';

export interface PostgresStore extends Store {
  /** Brings the index up to date with PostgreSQL: all logs, and the settings too if the node is to lead. */
  follow(settings: boolean): Promise<void>;
}

export interface PostgresStoreOptions {
  database: Database;
  /** Where the index lies. */
  folder: string;
  /** Progress and repairs, for the operator. */
  onNotice(text: string): void;
}

/** What the index holds of a run; id and version are not known until it is compared with PostgreSQL. */
type Indexed = Position & Pick<RunRow, 'viewSeq'> & Partial<Pick<RunRow, 'id' | 'version'>>;

/**
 * The store whose truth is PostgreSQL: an append is committed there and then applied to the SQLite store in `folder`, which
 * answers all reads. The folder is an index that can be deleted: what it lacks is read from PostgreSQL again, and a run of it
 * that is not as PostgreSQL has it is built again.
 *
 * A crash between the two leaves an index that is behind. It catches up when it is opened, and before a failed append is tried
 * again.
 *
 * @throws Error with a message for people when the folder holds runs that are not of this database
 */
export async function openPostgresStore(options: PostgresStoreOptions): Promise<PostgresStore> {
  const { database, folder, onNotice } = options;
  const index = await openSqliteStore(folder, onNotice);
  try {
    await claim(index, options);
    const runs = new Map<string, Indexed>();
    const found = async ({ runId, summary, ...run }: StoredRun) =>
      runs.set(runId, { ...run, chain: await chainOf(index, runId, run.head), viewSeq: summary?.seq ?? 0 });
    for (const run of await index.runs()) await found(run);

    const one = serial();
    /** Runs of which PostgreSQL has an append that the index could not take. */
    const behind = new Set<string>();

    async function forget(runId: string): Promise<void> {
      await index.remove(runId);
      runs.delete(runId);
      behind.delete(runId);
    }

    /** What the index holds after a write that failed. */
    async function reread(runId: string): Promise<void> {
      runs.delete(runId);
      const stored = (await index.runs()).find((run) => run.runId === runId);
      if (stored) await found(stored);
    }

    /** The version that the index holds of a run: 0 = nothing. */
    async function versionOf(row: RunRow): Promise<number> {
      const known = runs.get(row.runId);
      if (!known) return 0;
      if (known.id === row.id && known.version! < row.version) return known.version!;
      const version = samePosition(known, row)
        ? row.version
        : known.id === undefined
          ? await versionAt(database, row.id, known)
          : null;
      if (version !== null) return version;
      // Removed and made again, or PostgreSQL was put back from a backup.
      onNotice(`run ${row.runId}: the index in ${folder} is not of the log in PostgreSQL; it is built again`);
      await forget(row.runId);
      return 0;
    }

    async function catchUp(row: RunRow): Promise<void> {
      const { id, runId } = row;
      const version = await versionOf(row);
      const known = runs.get(runId) ?? null;
      const viewSeq = known?.viewSeq ?? 0;
      if (known) runs.set(runId, { ...known, id, version });
      if (version !== row.version)
        for await (const page of appendsAfter(database, row, { version, at: known })) {
          // One commit of the index takes them together; each may fail alone.
          const taken = await Promise.allSettled(page.map(({ write }) => index.append(write)));
          const failed = taken.find(({ status }) => status === 'rejected');
          if (failed) {
            await reread(runId);
            throw (failed as PromiseRejectedResult).reason;
          }
          const last = page.at(-1)!;
          runs.set(runId, { id, ...last.position, version: last.version, viewSeq });
        }
      behind.delete(runId);
      const saved = row.viewSeq > viewSeq ? await savedView(database, row) : null;
      const reached = runs.get(runId);
      // A view of entries that came since is taken the next time.
      if (!saved || !reached || saved.view.seq > reached.head) return;
      await index.saveView(saved.view, saved.summary);
      runs.set(runId, { ...reached, viewSeq: saved.view.seq });
    }

    const heal = (runId: string): Promise<void> =>
      one(async () => {
        await reread(runId);
        const row = await runRow(database, runId);
        await (row ? catchUp(row) : forget(runId));
      });

    const follow = (withSettings: boolean): Promise<void> =>
      one(async () => {
        const rows = await runRows(database);
        const there = new Set(rows.map((row) => row.runId));
        for (const known of [...runs.keys()]) if (!there.has(known)) await forget(known);
        for (const row of rows) await catchUp(row);
        if (!withSettings) return;
        const known = await index.settings();
        const settings = await database.ask<{ key: string; value: string }>('SELECT key, value FROM headroom.settings');
        for (const { key, value } of settings) if (known.get(key) !== value) await index.setSetting(key, value);
      });
    await follow(true);

    return {
      ...index,
      follow,

      async runs() {
        for (const runId of [...behind]) await heal(runId);
        return index.runs();
      },

      async append(given) {
        // The caller may change its arrays as soon as this function returns.
        const payload = pack(given);
        const write = unpack(payload) as Append;
        const { runId } = write;
        if (behind.has(runId)) await heal(runId);
        await index.checkAppend(write);
        const row = await appendRow(database, write, payload, (runs.get(runId) as RunRow | undefined) ?? null);
        try {
          await index.append(write);
        } catch (error) {
          behind.add(runId);
          throw error;
        }
        runs.set(runId, row);
      },

      async saveView(view, summary) {
        await index.saveView(view, summary);
        await saveViewRow(database, view, summary);
      },

      async remove(runId) {
        await removeRow(database, runId);
        await one(() => forget(runId));
      },

      async setSetting(key, value) {
        await saveSetting(database, key, value);
        await index.setSetting(key, value);
      },

      // The rows of blobs are in PostgreSQL (blobs.ts), which lists them all.
      unnamedSmallBlobs: async () => [],

      async check() {
        await index.check();
        if (database.trouble !== null) throw new Error(`PostgreSQL does not answer: ${database.trouble}`);
        const { trouble } = database.objects ?? { trouble: null };
        if (trouble !== null) throw new Error(`the store of BLOB_URL does not answer: ${trouble}`);
        // One that is cut off, or hangs, is no trouble for a statement until half a minute has gone by.
        await database.answers();
      },
    };
  } catch (error) {
    await index.close();
    throw error;
  }
}

/** Refuses a folder with runs of its own, which nobody would see any more, or with those of another database. */
async function claim(index: Store, { database, folder }: PostgresStoreOptions): Promise<void> {
  const of = await index.setting(databaseKey);
  if (of === database.id) return;
  if (of !== null)
    throw new Error(
      `HEADROOM_DATA: ${folder} is the index of another database than DATABASE_URL; choose another folder, which may be empty`,
    );
  if ((await index.runs()).length > 0)
    throw new Error(
      `HEADROOM_DATA: ${folder} holds runs of its own, which are not in PostgreSQL; \`headroom migrate\` copies them there, or choose an empty folder`,
    );
  await index.setSetting(databaseKey, database.id);
}

/** The hash chain of a log up to its head. */
export async function chainOf(index: Store, runId: string, head: number): Promise<Uint8Array> {
  // The entry that covers the head may begin before it.
  const [last] = await index.entries({ runId, fromSeq: head, limit: 1, types: null });
  const chain = last && (await index.chainAt(runId, last.seq));
  return chain ? Buffer.from(chain, 'hex') : firstLink;
}
