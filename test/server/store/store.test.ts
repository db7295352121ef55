import { afterAll, describe } from 'vitest';
import { openMemoryStore } from '~/server/store/memory';
import { openSqliteStore } from '~/server/store/sqlite/open';
import { ownFolder } from '~/test/support/folder';
import { storeContract } from '~/test/support/storeContract';

const folder = ownFolder();
afterAll(folder.remove);

describe('the store in memory', () => storeContract(async () => openMemoryStore()));
describe('the store in SQLite', () => storeContract(() => openSqliteStore(folder.path)));
