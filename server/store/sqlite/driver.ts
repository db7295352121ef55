import { createRequire } from 'node:module';
import type Database from 'better-sqlite3';
import { StartError } from '~/server/base/startError';

/**
 * Release 13 has binaries for the usual machines in its package and needs Node 22; release 12, compiled or downloaded at install,
 * is for Node 20: it is an ObjectWrap addon, and Node from 24.19 on aborts with it during garbage collection (nodejs/node#65446).
 */
const [release13, release12] = ['better-sqlite3-13', 'better-sqlite3'];

/**
 * better-sqlite3 in the release that works with this Node. Both are optional packages: npm leaves out the one that a machine can
 * neither run nor compile.
 */
export const Sqlite = load();

function load(): typeof Database {
  const require = createRequire(import.meta.url);
  const [major = 0] = process.versions.node.split('.').map(Number);
  const failures: string[] = [];
  for (const name of major < 22 ? [release12] : [release13, release12])
    try {
      const driver = require(name) as typeof Database;
      // The binary is loaded only when the first database is opened.
      new driver(':memory:').close();
      return driver;
    } catch (error) {
      failures.push(`${name}: ${(error as Error).message.split('\n')[0]}`);
    }
  // npm installed the one for the Node that ran it.
  const again = 'run npm install again with this Node, where Headroom is installed';
  throw new StartError(
    `no SQLite driver can be loaded on Node ${process.version} (${failures.join('; ')}): ${
      major < 22
        ? `use Node 22 or newer, for which there are ready binaries, or install Python 3, make and a C++ compiler, and ${again}`
        : again
    }`,
  );
}
