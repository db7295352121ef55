import { createHash } from 'node:crypto';
import { type Filed, FiledItems, listed, lostLines, missingKey, pendingKey } from '~/server/store/lostBlobs';
import type { Verified } from '~/server/store/verified';
import { checkAudit } from './audit';
import { allBlobs, ifThere, partsOf } from './blobs';
import { Database } from './database';
import { appendsAfter, type Position, runRow, runRows, settingOf } from './log';

/** Reads every log, blob and the audit log in PostgreSQL, also while nodes write. */
export async function verifyDatabase(database: Database): Promise<Verified> {
  const found: Verified = { sound: [], damaged: [], unread: [] };
  const check = async (what: string, task: () => Promise<void>) => {
    try {
      await task();
    } catch (error) {
      const { message } = error as Error;
      found.damaged.push(message.startsWith(what) ? message : `${what}: ${message}`);
    }
  };
  const runs = await runRows(database);
  const known = listed(await settingOf(database, missingKey));
  const lost: Filed[] = [];
  let entries = 0;
  for (const run of runs)
    await check(`run ${run.runId}`, async () => {
      let read = 0;
      let at: Position | null = null;
      const items = new FiledItems();
      const readOn = async () => {
        for await (const page of appendsAfter(database, run, { version: read, at }))
          for (const { write, version, position } of page) {
            read = version;
            at = position;
            entries += write.entries.length;
            items.apply(write.changes);
          }
      };
      await readOn();
      const gone = await absent(database, [...items.files(run.runId)]);
      if (gone.size > 0 && !listed(await settingOf(database, pendingKey)).has(run.runId)) {
        // Retention may have deleted them since the log was read, and recorded that before; or an import has ended at this moment.
        await readOn();
        const still = await absent(database, [...items.files(run.runId)]);
        const here = (await runRow(database, run.runId))?.id === run.id;
        if (here) lost.push(...[...items.files(run.runId)].filter(({ hash }) => still.has(hash) && !known.has(hash)));
      }
      const now = await runRow(database, run.runId);
      if (read < run.version && now?.id === run.id) throw new Error(`its last append is ${read}, it should be ${run.version}`);
    });
  let blobs = 0;
  for await (const { hash, bytes } of allBlobs(database))
    await check(`blob ${hash}`, async () => {
      await ifThere(database, hash, async () => {
        const sha = createHash('sha256');
        let size = 0;
        for await (const part of partsOf(database, hash)) {
          sha.update(part);
          size += part.length;
        }
        if (size !== bytes || sha.digest('hex') !== hash) throw new Error('its bytes are not what was written');
      });
      blobs++;
    });
  let audited = 0;
  await check('audit log', async () => {
    const { sound, problem } = await checkAudit(database);
    audited = sound.length;
    if (problem) throw new Error(problem);
  });
  found.unread.push(...lostLines(lost));
  found.sound.push(`${runs.length} runs with ${entries} entries`, `${blobs} blobs`, `${audited} rows of the audit log`);
  return found;
}

/** Hashes of the files that PostgreSQL does not have. */
async function absent(database: Database, files: readonly Filed[]): Promise<Set<string>> {
  const gone = new Set(files.map(({ hash }) => hash));
  const sql = 'SELECT hash FROM headroom.blobs WHERE hash = ANY($1)';
  for (const { hash } of await database.ask<{ hash: string }>(sql, [[...gone]])) gone.delete(hash);
  return gone;
}

export async function verifyUrl(url: string, blobUrl: string | null): Promise<Verified> {
  const database = await Database.open({
    url,
    blobUrl,
    used: true,
    onTrouble: (reason, who) => reason && console.error(`${who} does not answer: ${reason}`),
  });
  try {
    return await verifyDatabase(database);
  } finally {
    await database.close();
  }
}
