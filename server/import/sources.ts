import { createReadStream } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import yauzl from 'yauzl';
import { ImportError } from './importError';

/** A file to import, on the disk. */
export interface GivenFile {
  path: string;
  /** The sender's name for it: a path with "/" when it came with a folder. */
  name: string;
}

/** A file to read: a given file, the content of a gzip file, or a member of a zip file. */
export interface SourceFile {
  /** The sender's name for it, without `.gz`. */
  name: string;
  /** Path of the given file if it is neither unpacked nor a member. */
  path: string | null;
  /** Bytes on the disk: progress is counted in these. */
  bytes: number;
  /** @param report called with the number of bytes read from the disk */
  open(report?: (bytesRead: number) => void): Promise<AsyncIterable<Buffer>>;
}

/** Most unpacked bytes that are read of one file: a small archive can expand to a huge one. */
const MAX_UNPACKED = 8 * 2 ** 30;
const MAX_MEMBERS = 100_000;
/** Files of other programs that are zips, by a member. */
const zipped = [
  ['an Excel workbook', /\/xl\/workbook\.(xml|bin)$/],
  ['a document of an office program', /\/(\[Content_Types\]|META-INF\/manifest)\.xml$/],
  ['a checkpoint of PyTorch', /\/data\.pkl$/],
  ['an archive of NumPy', /\.npz\/[^/]+\.npy$/],
] as const;

/** The files to read, archives opened. A damaged archive is one file, whose reader gets the error: the others are read. */
export async function sourcesOf(files: readonly GivenFile[]): Promise<SourceFile[]> {
  const all: SourceFile[] = [];
  for (const file of files)
    try {
      all.push(...(await sourcesIn(file)));
    } catch (error) {
      if (!(error instanceof ImportError)) throw error;
      all.push({ ...(await plain(file)), open: () => Promise.reject(error) });
    }
  return all;
}

/** The first bytes of a zip with members, and of one without. */
const zipHeads = new Set([0x04034b50, 0x06054b50]);

async function sourcesIn(file: GivenFile): Promise<SourceFile[]> {
  const head = await firstBytes(file.path, 4);
  // In a folder, other zips are checkpoints (PyTorch), arrays (NumPy) and spreadsheets.
  if (zipHeads.has(head.readUInt32LE(0)) && (!file.name.includes('/') || /\.zip$/i.test(file.name))) return membersOf(file);
  const own = await plain(file);
  const gzip = head.readUInt16LE(0) === 0x8b1f && !file.name.endsWith('.headroom') && (await isOtherThanTar(file.path));
  return [gzip ? gzipped(own) : own];
}

async function firstBytes(path: string, count: number): Promise<Buffer> {
  const handle = await open(path);
  try {
    return (await handle.read(Buffer.alloc(count), 0, count, 0)).buffer;
  } finally {
    await handle.close();
  }
}

/** Whether the content of a gzip file is not a tar: a `.headroom` file is a tar. */
async function isOtherThanTar(path: string): Promise<boolean> {
  const head: Buffer[] = [];
  let size = 0;
  try {
    for await (const part of unzipped(createReadStream(path), path)) {
      head.push(part);
      size += part.length;
      if (size >= 512) break;
    }
  } catch {
    // The reader of `.headroom` files reports the problem.
    return false;
  }
  return size > 0 && Buffer.concat(head).subarray(257, 262).toString('latin1') !== 'ustar';
}

async function plain({ path, name }: GivenFile): Promise<SourceFile> {
  const { size } = await stat(path);
  return { name, path, bytes: size, open: async (report) => counted(createReadStream(path, { highWaterMark: 1 << 18 }), report) };
}

const gzipped = ({ name, bytes, open: packed }: SourceFile): SourceFile => ({
  name: name.replace(/\.gz$/i, ''),
  path: null,
  bytes,
  open: async (report) => unzipped(await packed(report), name),
});

async function* counted(input: Readable, report?: (bytesRead: number) => void): AsyncGenerator<Buffer> {
  let bytes = 0;
  for await (const part of input as AsyncIterable<Buffer>) {
    bytes += part.length;
    report?.(bytes);
    yield part;
  }
}

async function* unzipped(input: AsyncIterable<Buffer>, name: string): AsyncGenerator<Buffer> {
  const gunzip = createGunzip();
  const source = Readable.from(input);
  source.on('error', (error) => gunzip.destroy(error));
  let bytes = 0;
  try {
    for await (const part of source.pipe(gunzip) as AsyncIterable<Buffer>) {
      bytes += part.length;
      if (bytes > MAX_UNPACKED)
        throw new ImportError(`${name}: unpacked it is larger than the ${MAX_UNPACKED} bytes that are read`);
      yield part;
    }
  } catch (error) {
    if (error instanceof ImportError) throw error;
    throw new ImportError(`${name}: its gzip is damaged: ${(error as Error).message}`);
  } finally {
    source.destroy();
    gunzip.destroy();
  }
}

async function membersOf({ path, name }: GivenFile): Promise<SourceFile[]> {
  const damaged = (error: unknown) => new ImportError(`${name}: its zip is damaged: ${(error as Error).message}`);
  const archive = await yauzl.openPromise(path, { autoClose: false, lazyEntries: true }).catch((error) => {
    throw damaged(error);
  });
  const members: SourceFile[] = [];
  const folder = name.replace(/\.zip$/i, '');
  try {
    for await (const entry of archive.eachEntry()) {
      if (entry.fileName.endsWith('/') || /(^|\/)(__MACOSX\/|\.)/.test(entry.fileName)) continue;
      if (members.length === MAX_MEMBERS) throw new ImportError(`${name}: more than the ${MAX_MEMBERS} files that are taken`);
      if (entry.uncompressedSize > MAX_UNPACKED)
        throw new ImportError(`${name}: ${entry.fileName} is larger than the ${MAX_UNPACKED} bytes that are read`);
      const member: SourceFile = {
        name: `${folder}/${entry.fileName}`,
        path: null,
        bytes: entry.uncompressedSize,
        async open(report) {
          const own = await yauzl.openPromise(path, { autoClose: false, lazyEntries: true });
          const body = await own.openReadStreamPromise(entry).catch((error) => {
            own.close();
            throw damaged(error);
          });
          return closing(counted(body, report), () => own.close(), damaged);
        },
      };
      members.push(/\.gz$/i.test(member.name) ? gzipped(member) : member);
    }
  } catch (error) {
    throw error instanceof ImportError ? error : damaged(error);
  } finally {
    archive.close();
  }
  const known = zipped.find(([, marks]) => members.some((member) => marks.test(member.name)));
  if (known) throw new ImportError(`this is ${known[0]}; save its numbers as CSV or as JSON lines`);
  if (members.length === 0) throw new ImportError(`${name}: the zip holds no file`);
  return members;
}

async function* closing(
  input: AsyncGenerator<Buffer>,
  close: () => void,
  damaged: (error: unknown) => Error,
): AsyncGenerator<Buffer> {
  try {
    yield* input;
  } catch (error) {
    throw damaged(error);
  } finally {
    close();
  }
}

/** The first bytes of a file's content. */
export async function headOf(source: SourceFile, count: number): Promise<Buffer> {
  const parts: Buffer[] = [];
  let size = 0;
  for await (const part of await source.open()) {
    parts.push(part);
    size += part.length;
    if (size >= count) break;
  }
  return Buffer.concat(parts).subarray(0, count);
}
