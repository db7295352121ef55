/** The audit log on disk: one JSON row per line, append-only, written to disk before any answer. */
import { type FileHandle, open, readFile } from 'node:fs/promises';
import path from 'node:path';
import { ZodError } from 'zod';
import { describeZodError } from '~/server/base/zodError';
import { parse, stringify } from '~/shared/json';
import { type AuditRow, auditRow } from '~/shared/team';
import type { AuditStore } from './auditLog';
import { brokenRow, lastRowKey, nameOfRow } from './chain';

export const auditPath = (dataFolder: string): string => path.join(dataFolder, 'audit.jsonl');

/** The rows of a file, and how many bytes they take. An incomplete last line was never confirmed: the process died writing it. */
export function readRows(bytes: Buffer): { rows: AuditRow[]; wholeBytes: number } {
  const wholeBytes = bytes.lastIndexOf(0x0a) + 1;
  const lines = bytes.subarray(0, wholeBytes).toString('utf8').split('\n').slice(0, -1);
  const rows = lines.map((line, i) => {
    try {
      return auditRow.parse(parse(line));
    } catch (error) {
      const problem = error instanceof ZodError ? describeZodError(error) : (error as Error).message;
      throw new Error(`line ${i + 1} is not a row of the log: ${problem}`);
    }
  });
  return { rows, wholeBytes };
}

/** @throws Error that names the file and the way out */
function soundRows(file: string, bytes: Buffer, lastRow: string | null): ReturnType<typeof readRows> {
  let problem: string;
  try {
    const read = readRows(bytes);
    // An empty file is what somebody put in place of a lost one.
    const broken = read.rows.length === 0 ? null : brokenRow(read.rows, lastRow);
    if (!broken) return read;
    problem = `row ${broken.seq}: ${broken.problem}`;
  } catch (error) {
    problem = (error as Error).message;
  }
  throw new Error(`${file}: ${problem}. ${wayOut}`);
}

/** What helps when the file is lost or changed. */
export const wayOut =
  'Put it back from a backup, or an empty file in its place: then nobody may sign in any more, and a link for a new admin is made';

/**
 * @param settings keeps the name of the last row
 * @throws Error when a row was changed or cut off
 */
export async function openAuditFile(
  dataFolder: string,
  settings: { setting(key: string): Promise<string | null>; setSetting(key: string, value: string): Promise<unknown> },
): Promise<AuditStore & { close(): Promise<void> }> {
  const file = auditPath(dataFolder);
  const bytes = await readFile(file).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return Buffer.alloc(0);
    throw error;
  });
  let named = await settings.setting(lastRowKey);
  const { rows, wholeBytes } = soundRows(file, bytes, named);
  // Before the first new row: a crash after that must not leave the name of a row that was given up.
  if (rows.length === 0 && named) await settings.setSetting(lastRowKey, '');
  const handle: FileHandle = await open(file, 'a', 0o600);
  if (wholeBytes < bytes.length) await handle.truncate(wholeBytes);
  let size = wholeBytes;
  let naming = Promise.resolve();
  /** Commands do not wait for it; a failed write is made good by that of the next row. */
  const nameLast = () => {
    naming = naming.then(async () => {
      const last = rows.at(-1);
      if (!last || nameOfRow(last) === named) return;
      named = nameOfRow(last);
      await settings.setSetting(lastRowKey, named).catch(() => {});
    });
  };
  nameLast();
  return {
    async appendAudit(added) {
      const lines = Buffer.from(added.map((row) => `${stringify(row)}\n`).join(''));
      try {
        await handle.appendFile(lines);
        await handle.datasync();
      } catch (error) {
        // A full disk may have taken a part: the next row must not follow it.
        await handle.truncate(size);
        throw error;
      }
      size += lines.length;
      rows.push(...added);
      nameLast();
    },
    async audit({ fromSeq, limit }) {
      return rows.slice(fromSeq - 1, fromSeq - 1 + limit);
    },
    async close() {
      await naming;
      await handle.close();
    },
  };
}
