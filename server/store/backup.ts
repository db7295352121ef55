/**
 * `headroom backup FOLDER [--from DATA]`: copies a data folder, even while a server is writing to it. The copy is itself a data
 * folder.
 */
import { constants } from 'node:fs';
import { copyFile, mkdir, open, readFile, realpath, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { parseArgs } from 'node:util';
import type Database from 'better-sqlite3';
import { auditPath } from '~/server/audit/auditFile';
import { fileProblem, isDiskFull } from '~/server/base/diskFull';
import { needWritable } from '~/server/base/writableFolder';
import { dataFolderOf } from '~/shared/dataFolder';
import { flagsOf, givenTwice } from '~/shared/flags';
import { pathProblem } from '~/shared/pathProblem';
import { tokenFile } from './auditLost';
import { absent, blobFiles, syncFolder } from './blobs';
import { databaseFile, lock, OlderFormatError, openForReading } from './sqlite/schema';
import { refuseIndex, verifyFolder } from './verify';

/**
 * Copies the blobs, then the database as of one moment, then the blobs that came meanwhile: of those that its logs name, retention
 * may delete some at any time. Blobs that an earlier backup in this folder has are not copied again. A server that is started on the copy continues from that moment.
 *
 * @throws Error with a message for people
 */
export async function backup(data: string, to: string): Promise<{ copied: number; kept: number }> {
  const db = openForReading(data);
  try {
    refuseIndex(db, data, 'back that up with pg_dump, or with its archive of write-ahead logs');
    return await backupOf(db, data, to);
  } finally {
    db.close();
  }
}

async function backupOf(db: Database.Database, data: string, to: string): Promise<{ copied: number; kept: number }> {
  needWritable(to, 'FOLDER');
  const [at, from] = await Promise.all([realpath(to), realpath(data)]);
  if (at === from) throw new Error(`${to} is the data folder itself; give another folder`);
  if (at.startsWith(from + path.sep))
    throw new Error(`FOLDER ${to}: it lies in the data folder, and would be lost with it; give another`);
  // A server on the folder would go on with a database that is no longer there.
  const unlock = lock(to, 'FOLDER');
  const fresh = `${databaseFile(to)}.new`;
  try {
    await needOwnCopy(data, to);
    await rm(fresh, { force: true });
    return await copyAll(db, data, to, fresh);
  } catch (error) {
    await rm(fresh, { force: true });
    const from = (error as NodeJS.ErrnoException).path;
    if (!isDiskFull(error) && from?.startsWith(path.join(data, path.sep)))
      throw new Error(`DATA ${from}: ${pathProblem(error, 'read')}`);
    throw new Error(fileProblem(error, 'FOLDER', to) ?? (error as Error).message);
  } finally {
    unlock();
  }
}

/** @throws Error when the folder holds what no earlier backup of `data` wrote there */
async function needOwnCopy(data: string, to: string): Promise<void> {
  const [own, there] = await Promise.all([data, to].map((folder) => readFile(tokenFile(folder), 'utf8').catch(absent)));
  if (there !== null && there !== own)
    throw new Error(`FOLDER ${to}: it holds the data of another server (its trainer.token is another); give another`);
  // A backup writes its database last.
  if (there !== own && (await stat(databaseFile(to)).catch(absent)))
    throw new Error(`FOLDER ${to}: it holds a headroom.db that no backup of ${data} wrote; give another`);
}

async function copyAll(
  db: Database.Database,
  data: string,
  to: string,
  fresh: string,
): Promise<{ copied: number; kept: number }> {
  const database = databaseFile(to);
  const count = { copied: 0, kept: 0 };
  const seen = new Set<string>();
  await copyBlobs(data, to, seen, count);
  // It holds secrets, as the original does.
  await (await open(fresh, 'a', 0o600)).close();
  // All pages in one step: otherwise a concurrent write would restart the copy.
  await db.backup(fresh, { progress: ({ totalPages }) => totalPages });
  await copyBlobs(data, to, seen, count);
  for (const file of [auditPath(data), tokenFile(data)]) await copyWhole(file, path.join(to, path.basename(file)));
  // Last: until then an earlier backup in this folder is complete. Its write-ahead log does not belong to the new file.
  for (const rest of ['-wal', '-shm']) await rm(`${database}${rest}`, { force: true });
  await synced(fresh);
  await rename(fresh, database);
  await syncFolder(to);
  return count;
}

/** Copies the blobs that are not in `seen`, and adds them to it. */
async function copyBlobs(data: string, to: string, seen: Set<string>, count: { copied: number; kept: number }): Promise<void> {
  for await (const { hash, file } of blobFiles(data)) {
    if (seen.has(hash)) continue;
    const target = path.join(to, 'blobs', hash.slice(0, 2), hash);
    const [from, there] = await Promise.all([stat(file).catch(absent), stat(target).catch(absent)]);
    // The server may delete it at any time.
    if (!from) continue;
    if (there?.size !== from.size) {
      await mkdir(path.dirname(target), { recursive: true });
      const copied = await replaced(target, async (fresh) => {
        if ((await copyFile(file, fresh, constants.COPYFILE_FICLONE).catch(absent)) === null) return false;
        await synced(fresh);
        return true;
      });
      if (!copied) continue;
      count.copied++;
    } else count.kept++;
    seen.add(hash);
  }
}

/** Copies a file that may be appended to meanwhile, up to its last complete line. */
async function copyWhole(from: string, to: string): Promise<void> {
  const bytes = await readFile(from).catch(absent);
  if (!bytes) return;
  await replaced(to, async (fresh) => {
    const handle = await open(fresh, 'w', 0o600);
    try {
      await handle.writeFile(bytes.subarray(0, bytes.lastIndexOf(0x0a) + 1));
      await handle.sync();
    } finally {
      await handle.close();
    }
    return true;
  });
}

/** Replaces a file by what `write` writes under another name, unless that is false. Nothing half written is left. */
async function replaced(target: string, write: (fresh: string) => Promise<boolean>): Promise<boolean> {
  const fresh = `${target}.new`;
  try {
    const written = await write(fresh);
    if (written) await rename(fresh, target);
    return written;
  } catch (error) {
    await rm(fresh, { force: true });
    throw error;
  }
}

async function synced(file: string): Promise<void> {
  const handle = await open(file, 'r+');
  await handle.sync().finally(() => handle.close());
}

/** @returns the exit status */
export async function main(argv: readonly string[]): Promise<number> {
  try {
    const { values, positionals, tokens } = parseArgs({
      tokens: true,
      args: [...argv],
      allowPositionals: true,
      options: { from: { type: 'string' }, 'no-verify': { type: 'boolean' } },
    });
    const [to] = positionals;
    const twice = givenTwice(flagsOf(tokens));
    if (twice !== null) throw new Error(twice);
    if (!to || positionals.length > 1)
      throw new Error('give the folder to copy to: headroom backup FOLDER [--from DATA] [--no-verify]');
    const from = dataFolderOf(values.from, process.env);
    const { copied, kept } = await backup(from, to);
    console.log(`${from} is copied to ${to}: the database, ${copied} blobs, and ${kept} that were there already`);
    if (values['no-verify']) return 0;
    const read = await verifyFolder(to).catch((error) => {
      if (error instanceof OlderFormatError) return error;
      throw error;
    });
    if (read instanceof OlderFormatError) {
      console.log(`the copy is not read back: ${read.message}`);
      return 0;
    }
    const { sound, damaged, unread } = read;
    console.log(`${to}: read back ${sound.join(', ')}`);
    for (const what of damaged) console.error(`damaged: ${what}`);
    for (const what of unread) console.error(`not read: ${what}`);
    return damaged.length + unread.length > 0 ? 1 : 0;
  } catch (error) {
    console.error(`backup: ${error instanceof Error ? error.message : String(error)}`);
    return 1;
  }
}
