import { Readable } from 'node:stream';
import { createGzip } from 'node:zlib';
import { blobsNamed } from '~/server/base/blobsNamed';
import { firstLink, hex, nextLink } from '~/server/store/chain';
import { seqCount } from '~/shared/events';
import { pack } from '~/shared/pack';
import { ExportError, logPages, type RecordSource } from './source';
import { tarEnd, tarHeader, tarPadding } from './tar';

/**
 * A run as one file, `<name>.headroom`: a gzip-compressed tar (`tar xzf` opens it) with these members, in this order:
 *
 *   manifest.json      {"format": "headroom", "version": 2, "runId", "exportedAt": ms since 1970}
 *   log/000001.pack …  pages of the log from seq 1 on: pack.ts messages {"entries": Entry[]}, doubles as they are
 *   blobs/<sha256>     the bytes of every blob that the log names, once
 *   end.json           {"head": last seq, "chain": the log's last hash (store/chain.ts), "blobs": how many follow the log,
 *                      "missing": [hashes this server no longer had]}
 *
 * A file without end.json was cut short. Version 1 is that of program version 0.1 (shared/legacy.ts has what differs); it is read too.
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
  /** In hex. Left out by versions of 0.2 before there were chains. */
  chain?: string;
}

export async function* writeHeadroomFile(source: RecordSource, runId: string, exportedAt: number): AsyncGenerator<Uint8Array> {
  const gzip = Readable.from(members(source, runId, exportedAt), { objectMode: false }).compose(createGzip({ level: 1 }));
  yield* gzip as AsyncIterable<Uint8Array>;
}

async function* members(source: RecordSource, runId: string, exportedAt: number): AsyncGenerator<Uint8Array> {
  const json = (name: string, value: Manifest | End) => member(name, Buffer.from(JSON.stringify(value)));
  yield* json('manifest.json', { format: 'headroom', version: HEADROOM_VERSION, runId, exportedAt });
  const named = new Set<string>();
  let pages = 0;
  let head = 0;
  let chain = firstLink;
  for await (const entries of logPages(source, runId)) {
    for (const { event } of entries) for (const hash of blobsNamed(event)) named.add(hash);
    chain = entries.reduce(nextLink, chain);
    const last = entries.at(-1)!;
    if ((await source.chainAt(runId, last.seq)) !== hex(chain))
      throw new ExportError(
        `run ${runId}: the log up to entry ${last.seq} is not what was written; \`headroom verify\` says where it differs`,
      );
    head = last.seq + seqCount(last.event) - 1;
    yield* member(`log/${String(++pages).padStart(6, '0')}.pack`, pack({ entries }));
  }
  const missing: string[] = [];
  const sizes = await Promise.all([...named].map((hash) => source.blobs.size(hash)));
  const total = sizes.reduce<number>((sum, bytes) => sum + (bytes ?? 0), 0);
  let done = 0;
  for (const hash of named) {
    source.progress?.({ doing: 'copying maps and checkpoints', done, total, unit: 'bytes' });
    const blob = await source.blobs.open(hash);
    if (!blob) {
      missing.push(hash);
      continue;
    }
    yield tarHeader(`blobs/${hash}`, blob.bytes);
    yield* blob.stream as AsyncIterable<Uint8Array>;
    yield tarPadding(blob.bytes);
    done += blob.bytes;
  }
  yield* json('end.json', { head, chain: hex(chain), blobs: named.size - missing.length, missing });
  yield tarEnd();
}

function* member(name: string, bytes: Uint8Array): Generator<Uint8Array> {
  yield tarHeader(name, bytes.length);
  yield bytes;
  yield tarPadding(bytes.length);
}
