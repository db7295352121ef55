import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { createGunzip } from 'node:zlib';
import { extract } from 'tar-stream';
import { z } from 'zod';
import { blobsNamed } from '~/server/base/blobsNamed';
import { describeZodError } from '~/server/base/zodError';
import { HEADROOM_VERSION } from '~/server/export/headroomFile';
import { firstLink, hex, nextLink } from '~/server/store/chain';
import { StreamState } from '~/server/store/streamState';
import { type Entry, type RunEvent, serverEvent, trainerEvent } from '~/shared/events';
import { emptyView, fold } from '~/shared/fold';
import { attempt, blobHash, runId, seq } from '~/shared/ids';
import { importedIn01, type RawEvent, type Upgrade01, upgradeEntry01, upgradeEvent01 } from '~/shared/legacy';
import { unpack } from '~/shared/pack';
import { isTime, timeWish } from '~/shared/times';
import type { RunView } from '~/shared/view';
import { ImportError } from './importError';

/** Reads a `.headroom` file (export/headroomFile.ts has the format) and checks every part before passing it on. */
export type Part =
  | { kind: 'manifest'; runId: string }
  /** Entries that follow the previous ones, with the view after them. */
  | { kind: 'entries'; entries: Entry[]; view: RunView }
  /** The consumer must read `body` to its end. */
  | { kind: 'blob'; hash: string; body: AsyncIterable<Uint8Array> }
  | { kind: 'end' };

const manifest = z.object({ format: z.literal('headroom'), version: z.int(), runId, exportedAt: z.number() });
const end = z.object({ head: seq, blobs: z.int().nonnegative(), missing: z.array(blobHash), chain: blobHash.optional() });
const anyEvent = z.looseObject({ type: z.string() });
const frame = z.strictObject({ seq, attempt, at: z.number().refine(isTime, timeWish), event: anyEvent });
/** An entry before it is upgraded. */
const rawEntry = z.looseObject({ seq, event: anyEvent });
type RawEntry = z.infer<typeof rawEntry>;
const page = z.object({ entries: z.array(rawEntry) });
const schemas = new Map<string, z.ZodType>(
  [...serverEvent.options, ...trainerEvent.options].map((schema) => [schema.shape.type.value, schema]),
);
/** A file of the archive; its body must be read before the next one is requested. */
interface TarMember {
  name: string;
  bytes: number;
  body: AsyncIterable<Uint8Array>;
}
/**
 * Most bytes of a log page or a JSON member; blobs may be larger, as they are not held in memory. Pages of version 1 had no limit
 * of their own.
 */
const MEMBER_BYTES = 256 << 20;
const JSON_BYTES = 16 << 20;
/** The same limit as for trainers' blobs. */
const BLOB_BYTES = 2 ** 30;

/**
 * @param name the sender's name for the file
 * @throws ImportError with a message that names the member, the position and the problem
 */
export async function* readHeadroomFile(
  file: string,
  report: (bytesRead: number) => void = () => {},
  name = 'the file',
): AsyncGenerator<Part> {
  const input = createReadStream(file);
  const gunzip = createGunzip();
  const archive = extract();
  input.on('error', (error) => gunzip.destroy(error));
  gunzip.on('error', (error) => archive.destroy(error));
  let view: RunView | null = null;
  const streams = new StreamState();
  let id: string | null = null;
  let version = HEADROOM_VERSION;
  let about: Upgrade01 | null = null;
  const named = new Set<string>();
  const here = new Set<string>();
  let chain = firstLink;
  let ended = false;
  try {
    for await (const entry of input.pipe(gunzip).pipe(archive)) {
      const member = { name: entry.header.name, bytes: entry.header.size ?? 0, body: entry as AsyncIterable<Buffer> };
      report(input.bytesRead);
      if (id === null && member.name !== 'manifest.json')
        throw new ImportError(
          'this is not a .headroom file: it does not begin with manifest.json; of other tar archives, give the folder or a zip',
        );
      if (ended) throw new ImportError(`${member.name}: nothing may follow end.json`);
      if (member.name === 'manifest.json') {
        ({ runId: id, version } = readManifest(await json(member), name));
        yield { kind: 'manifest', runId: id };
      } else if (member.name.startsWith('log/')) {
        const raw = checked(page, unpack(await whole(member)), member.name).entries;
        if (version === 1) about ??= { imported: importedIn01(raw[1]?.event) };
        const entries = raw.map((entry) => entryOf(member.name, about ? upgraded(entry, about) : entry));
        if (!about) chain = entries.reduce(nextLink, chain);
        for (const entry of entries) {
          view = next(member.name, id!, view, streams, entry);
          for (const hash of blobsNamed(entry.event)) named.add(hash);
        }
        if (view) yield { kind: 'entries', entries, view };
      } else if (member.name.startsWith('blobs/')) {
        const hash = member.name.slice('blobs/'.length);
        if (member.bytes > BLOB_BYTES)
          throw new ImportError(`${member.name}: ${member.bytes} bytes are more than the ${BLOB_BYTES} allowed`);
        if (!named.has(hash)) throw new ImportError(`${member.name}: the log names no such blob`);
        here.add(hash);
        yield { kind: 'blob', hash, body: verified(member, hash, () => report(input.bytesRead)) };
      } else if (member.name === 'end.json') {
        const last = checked(end, await json(member), 'end.json');
        if (last.head !== (view?.seq ?? 0))
          throw new ImportError(`end.json: the log should reach seq ${last.head}, it ends at ${view?.seq ?? 0}`);
        if (last.chain !== undefined && last.chain !== hex(chain))
          throw new ImportError(
            `end.json: the log's last hash should be ${last.chain}, it is ${hex(chain)}: the file was changed`,
          );
        const absent = [...named].find((hash) => !here.has(hash) && !last.missing.includes(hash));
        if (absent) throw new ImportError(`end.json: blob ${absent} is named by the log and not in the file`);
        ended = true;
      } else throw new ImportError(`${member.name}: a .headroom file has no such member`);
    }
    if (!ended) throw new ImportError('the file was cut short: it has no end.json');
    // Only now has gzip compared its checksum of everything.
    yield { kind: 'end' };
  } catch (error) {
    if (error instanceof ImportError) throw error;
    throw new ImportError(`the file is damaged: ${(error as Error).message}`);
  } finally {
    input.destroy();
    gunzip.destroy();
    archive.destroy();
  }
}

function readManifest(value: unknown, name: string): z.infer<typeof manifest> {
  const version = (value as { version?: unknown } | null)?.version;
  if (typeof version === 'number' && version > HEADROOM_VERSION)
    throw new ImportError(
      `${name} was written by a newer Headroom (version ${version} of the format, this one knows ${HEADROOM_VERSION}); update Headroom to import it`,
    );
  return checked(manifest, value, 'manifest.json');
}

function upgraded(entry: RawEntry, about: Upgrade01): RawEntry {
  return upgradeEntry01({ ...entry, event: upgradeEvent01(entry.event as RawEvent, about) }) as RawEntry;
}

function entryOf(member: string, raw: RawEntry): Entry {
  const entry = checked(frame, raw, `${member}: seq ${raw.seq}`);
  const where = `${member}: seq ${entry.seq}`;
  const schema = schemas.get(entry.event.type);
  if (!schema) throw new ImportError(`${where}: there is no event type "${entry.event.type}"`);
  return { ...entry, event: checked(schema, entry.event, where) as RunEvent };
}

/** Checks what a store and `fold` rely on. */
function next(member: string, id: string, view: RunView | null, streams: StreamState, entry: Entry): RunView {
  const { seq, event } = entry;
  const where = `${member}: seq ${seq}`;
  if (entry.attempt < (view?.attempt ?? 0))
    throw new ImportError(`${where}: attempt ${entry.attempt} after attempt ${view!.attempt}`);
  const problem = streams.problem(event);
  if (problem !== null) throw new ImportError(`${where}: event.${problem}`);
  streams.apply(event);
  try {
    return view ? fold(view, entry) : emptyView(id, entry);
  } catch (error) {
    throw new ImportError(`${where}: ${(error as Error).message}`);
  }
}

function checked<T>(schema: z.ZodType<T>, value: unknown, where: string): T {
  const parsed = schema.safeParse(value);
  if (!parsed.success) throw new ImportError(`${where}: ${describeZodError(parsed.error)}`);
  return parsed.data;
}

async function whole({ name, bytes, body }: TarMember): Promise<Buffer> {
  const most = name.endsWith('.json') ? JSON_BYTES : MEMBER_BYTES;
  if (bytes > most) throw new ImportError(`${name}: ${bytes} bytes are more than the ${most} allowed`);
  const parts: Uint8Array[] = [];
  for await (const part of body) parts.push(part);
  return Buffer.concat(parts);
}

async function json(member: TarMember): Promise<unknown> {
  const text = (await whole(member)).toString();
  try {
    return JSON.parse(text);
  } catch {
    throw new ImportError(`${member.name}: is not JSON`);
  }
}

async function* verified({ name, body }: TarMember, hash: string, report: () => void): AsyncGenerator<Uint8Array> {
  const sha = createHash('sha256');
  try {
    for await (const part of body) {
      report();
      sha.update(part);
      yield part;
    }
  } catch (error) {
    // The error is thrown where the body is read, not where the archive is read.
    throw new ImportError(`${name}: the file is damaged: ${(error as Error).message}`);
  }
  const found = sha.digest('hex');
  if (found !== hash) throw new ImportError(`${name}: its bytes have SHA-256 ${found}; the file is damaged`);
}
