import path from 'node:path';
import { afterAll, beforeAll } from 'vitest';
import { giveLeaseBack, takeLease } from '~/server/cluster/lease';
import { Database } from '~/server/store/postgres/database';
import { openPostgresStore, type PostgresStore } from '~/server/store/postgres/open';
import { ownFolder } from './folder';
import { startPostgres, type TestPostgres, withoutPostgres } from './postgres';

/** A node as far as its store: the database under its lease, and the index in its folder. */
export interface TestNode {
  database: Database;
  store: PostgresStore;
  close(): Promise<void>;
}

/** PostgreSQL for the tests of one file, and nodes on it. */
export function ownNodes() {
  const folder = ownFolder();
  let postgres: TestPostgres;
  let folders = 0;
  beforeAll(async () => {
    if (!withoutPostgres) postgres = await startPostgres();
  });
  afterAll(async () => {
    await postgres?.close();
    folder.remove();
  });
  const notices: string[] = [];
  const newIndex = () => path.join(folder.path, `index${folders++}`);
  return {
    /** Address of a new database. */
    database: () => postgres.database(),
    /** A folder that is not there yet. */
    newIndex,
    /** What the indexes said when they were opened. */
    notices,
    async begin(url: string, index = newIndex(), blobUrl: string | null = null): Promise<TestNode> {
      const database = await Database.open({ url, blobUrl, onTrouble: () => {} });
      await takeLease(database, { address: 'http://test', open: true });
      const store = await openPostgresStore({ database, folder: index, onNotice: (text) => notices.push(text) });
      const close = async () => {
        await store.close();
        await giveLeaseBack(database);
        await database.close();
      };
      return { database, store, close };
    },
  };
}
