import path from 'node:path';
import { afterAll, describe } from 'vitest';
import { openSqliteStore } from '~/server/store/sqlite/open';
import { ownFolder } from '~/test/support/folder';
import { listContract } from '~/test/support/listContract';
import { openMemoryStore } from '~/test/support/memoryStore';
import { storeContract } from '~/test/support/storeContract';

const folder = ownFolder();
const inside = (name: string) => path.join(folder.path, name);
afterAll(folder.remove);

describe('the store in memory', () => storeContract(async () => openMemoryStore()));
describe('lists in memory', () => listContract(async () => openMemoryStore()));
describe('the store in SQLite', () => storeContract(() => openSqliteStore(folder.path)));
describe('lists in SQLite', () => listContract(() => openSqliteStore(inside('lists'))));
