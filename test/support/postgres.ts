/** A PostgreSQL server of a test's own, from Debian's packages: an own folder, an own port, and every commit synced to disk. */
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, existsSync, mkdirSync, readdirSync } from 'node:fs';
import path from 'node:path';
import pg from 'pg';
import { ownFolder } from './folder';
import { freePort } from './product';

const versions = '/usr/lib/postgresql';
const programs = existsSync(versions)
  ? readdirSync(versions)
      .sort((a, b) => Number(b) - Number(a))
      .map((version) => path.join(versions, version, 'bin'))
      .find((folder) => existsSync(path.join(folder, 'initdb')))
  : undefined;

/** null, or why tests with PostgreSQL cannot run here. */
export const withoutPostgres = programs ? null : 'PostgreSQL is not installed (Debian: postgresql)';

export interface TestPostgres {
  /** Makes an empty database. @returns its URL */
  database(): Promise<string>;
  /** Ends the server as `how` says, and waits until it is gone. */
  stop(how?: 'SIGINT' | 'SIGQUIT'): Promise<void>;
  /** Resolves once it takes connections. */
  start(): Promise<void>;
  close(): Promise<void>;
}

export async function startPostgres(): Promise<TestPostgres> {
  const folder = ownFolder();
  const data = path.join(folder.path, 'data');
  mkdirSync(data);
  // PostgreSQL refuses to run as root.
  const user = process.getuid?.() === 0 ? ownerOf(folder.path, data) : {};
  const options = { ...user, cwd: folder.path, stdio: ['ignore', 'pipe', 'pipe'] as ['ignore', 'pipe', 'pipe'] };
  execFileSync(
    path.join(programs!, 'initdb'),
    ['-D', data, '-U', 'headroom', '-A', 'trust', '-E', 'UTF8', '--no-locale'],
    options,
  );
  const port = await freePort();
  const url = (name: string) => `postgres://headroom@127.0.0.1:${port}/${name}`;
  const settings = [
    '-c',
    'listen_addresses=127.0.0.1',
    '-c',
    `unix_socket_directories=${folder.path}`,
    '-c',
    'shared_buffers=32MB',
  ];
  const begin = () => spawn(path.join(programs!, 'postgres'), ['-D', data, '-p', String(port), ...settings], options);
  let server = begin();
  let databases = 0;

  async function connected(): Promise<pg.Client> {
    for (;;) {
      const client = new pg.Client({ connectionString: url('postgres') });
      client.on('error', () => {});
      try {
        await client.connect();
        return client;
      } catch (error) {
        if (server.exitCode !== null) throw error;
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    }
  }
  const stop = async (how: NodeJS.Signals = 'SIGINT') => {
    if (server.exitCode !== null) return;
    const gone = once(server, 'exit');
    server.kill(how);
    await gone;
  };
  await (await connected()).end();
  return {
    async database() {
      const client = await connected();
      const name = `test${databases++}`;
      await client.query(`CREATE DATABASE ${name}`);
      await client.end();
      return url(name);
    },
    stop,
    async start() {
      server = begin();
      await (await connected()).end();
    },
    async close() {
      await stop('SIGQUIT');
      folder.remove();
    },
  };
}

function ownerOf(...folders: string[]): { uid: number; gid: number } {
  const number = (flag: string) => Number(spawnSync('id', [flag, 'postgres']).stdout.toString());
  const [uid, gid] = [number('-u'), number('-g')];
  for (const folder of folders) chownSync(folder, uid, gid);
  return { uid, gid };
}
