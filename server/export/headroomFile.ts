import { once } from 'node:events';
import { createGzip } from 'node:zlib';
import { type Pack, pack } from 'tar-stream';
import { blobsNamed } from '~/server/base/blobsNamed';
import { firstLink, hex, nextLink } from '~/server/store/chain';
import { pack as packed } from '~/shared/pack';
import { seqCount } from '~/shared/rows';
import { ExportError, logPages, type RecordSource } from './source';

/**
 * A run as one file, `<name>.headroom`: a gzip-compressed tar (`tar xzf` opens it) with these members, in this order; blobs that
 * were deleted while they were copied are followed by the pages that say so, and the blobs that these name:
 *
 *   manifest.json      {"format": "headroom", "version": 2, "runId", "exportedAt": ms since 1970}
 *   log/000001.pack …  pages of the log from seq 1 on: pack.ts messages {"entries": Entry[]}, doubles unchanged
 *   blobs/<sha256>     the bytes of every blob that the log names, once
 *   end.json           {"head": last seq, "chain": the log's last hash (store/chain.ts), "blobs": how many follow the log,
 *                      "missing": [hashes this server no longer had]}
 *
 * A file without end.json is truncated. Version 1 is the format of program version 0.1 (shared/legacy.ts has the differences); it
 * can be read too.
 */
export const HEADROOM_VERSION = 2;

export interface Manifest {
  format: 'headroom';
  version: number;
  runId: string;
  exportedAt: number;
}
export interface End {
  head: number;
  blobs: number;
  missing: string[];
  /** In hex. Left out by versions of 0.2 without hash chains. */
  chain?: string;
}

export async function* writeHeadroomFile(source: RecordSource, runId: string, exportedAt: number): AsyncGenerator<Uint8Array> {
  const archive = pack();
  const given = new AbortController();
  const gzip = createGzip({ level: 1 });
  archive.on('error', (error) => gzip.destroy(error));
  gzip.on('error', () => {});
  writeMembers(archive, source, runId, exportedAt, given.signal).catch((error: Error) => archive.destroy(error));
  try {
    yield* archive.pipe(gzip) as AsyncIterable<Uint8Array>;
  } finally {
    given.abort();
    archive.destroy(new Error('nobody reads it any more'));
    gzip.destroy();
  }
}

async function writeMembers(
  archive: Pack,
  source: RecordSource,
  runId: string,
  exportedAt: number,
  signal: AbortSignal,
): Promise<void> {
  const add = async (name: string, size: number, body: AsyncIterable<Uint8Array> | Iterable<Uint8Array>) => {
    const entry = archive.entry({ name, size });
    for await (const part of body) if (!entry.write(part)) await once(entry, 'drain', { signal });
    entry.end(null);
  };
  const json = (name: string, value: Manifest | End) => {
    const bytes = Buffer.from(JSON.stringify(value));
    return add(name, bytes.length, [bytes]);
  };
  await json('manifest.json', { format: 'headroom', version: HEADROOM_VERSION, runId, exportedAt });
  const all = new Set<string>();
  const missing = new Set<string>();
  let pages = 0;
  let head = 0;
  let chain = firstLink;
  const addLog = async (): Promise<Map<string, number | null>> => {
    const named = new Map<string, number | null>();
    for await (const entries of logPages(source, runId, head + 1)) {
      for (const hash of new Set(entries.flatMap(({ event }) => blobsNamed(event))))
        if (!all.has(hash)) named.set(hash, await source.blobs.size(hash));
      for (const hash of named.keys()) all.add(hash);
      chain = entries.reduce(nextLink, chain);
      const last = entries.at(-1)!;
      if ((await source.chainAt(runId, last.seq)) !== hex(chain))
        throw new ExportError(
          `run ${runId}: the log up to entry ${last.seq} is not what was written; \`headroom verify\` says where it differs`,
        );
      head = last.seq + seqCount(last.event) - 1;
      const page = packed({ entries });
      await add(`log/${String(++pages).padStart(6, '0')}.pack`, page.length, [page]);
    }
    return named;
  };
  /** @returns whether some of them were deleted since the log was read */
  const addBlobs = async (named: Map<string, number | null>): Promise<boolean> => {
    const total = [...named.values()].reduce<number>((sum, bytes) => sum + (bytes ?? 0), 0);
    let done = 0;
    let deleted = false;
    for (const [hash, bytes] of named) {
      source.progress?.({ doing: 'copying maps and checkpoints', done, total, unit: 'bytes' });
      const blob = await source.blobs.open(hash);
      if (!blob) {
        missing.add(hash);
        deleted ||= bytes !== null;
        continue;
      }
      await add(`blobs/${hash}`, blob.bytes, blob.stream as AsyncIterable<Uint8Array>);
      done += blob.bytes;
    }
    return deleted;
  };
  while (await addBlobs(await addLog()));
  await json('end.json', { head, chain: hex(chain), blobs: all.size - missing.size, missing: [...missing] });
  archive.finalize();
}
