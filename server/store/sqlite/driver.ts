import { createRequire } from 'node:module';
import type Database from 'better-sqlite3';

/** Node-API, prebuilt, from Node 22 on; release 12 is an ObjectWrap addon, which Node aborts in a garbage collection from 24.19 on (nodejs/node#65446). */
const newer = 'better-sqlite3-13';

/** better-sqlite3 in the release that fits this Node. */
export const Sqlite = load();

function load(): typeof Database {
  const require = createRequire(import.meta.url);
  const [major = 0] = process.versions.node.split('.').map(Number);
  if (major < 22) return require('better-sqlite3');
  try {
    return require(newer);
  } catch (error) {
    // An optional package: npm leaves it out where a machine is not one of those it has a binary for.
    if ((error as NodeJS.ErrnoException).code !== 'MODULE_NOT_FOUND') throw error;
    return require('better-sqlite3');
  }
}
