import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterAll, describe } from 'vitest';
import { openMemoryStore } from '~/server/store/memory';
import { openSqliteStore } from '~/server/store/sqlite/open';
import { storeContract } from '../support/storeContract';

const folders: string[] = [];
afterAll(() => Promise.all(folders.map((f) => rm(f, { recursive: true, force: true }))));

describe('the store in memory', () => storeContract(async () => openMemoryStore()));

describe('the store in SQLite', () =>
  storeContract(async () => {
    const folder = await mkdtemp(path.join(os.tmpdir(), 'headroom-store-'));
    folders.push(folder);
    return openSqliteStore(folder);
  }));
