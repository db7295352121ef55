/** Reads CIFAR-100 from its archive (downloaded or local) or from a folder with its files, and stores it where prepared.ts finds it: all of it, or nothing. */
import fs, { createReadStream } from 'node:fs';
import { mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import path, { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { createGunzip } from 'node:zlib';
import { extract } from 'tar-stream';
import { makeFolder } from '~/shared/dataFolder';
import { pathProblem } from '~/shared/pathProblem';
import { hashOf } from '~/trainer/base/hash';
import { recordBytes, recordsError } from './binary';
import { digestOf, download } from './download';
import { UsageError } from './flags';
import { binaryFile, type PicturesFile, partNames, picturesFolder, readPicturesFile, readRecords } from './prepared';
import { megabytes, type ProgressLine } from './progressLine';

export const cifar100 = {
  url: 'https://www.cs.toronto.edu/~kriz/cifar-100-binary.tar.gz',
  md5: '03b5dce01913d631647c71ecec9e9cb8',
} as const;

export interface CifarOptions {
  dataFolder: string;
  /** A file or folder on this machine; null = download `url`. */
  from: string | null;
  url: string;
  /** MD5 of the archive, hex; null = not checked. */
  md5: string | null;
  progress: ProgressLine;
  download?: { stallMs?: number; tries?: number; retryMs?: number };
}

/** The archive is not what CIFAR-100's is; the message says what is wrong with it. */
export class ArchiveError extends Error {
  override name = 'ArchiveError';
}

const fileNames = ['train.bin', 'test.bin', 'fine_label_names.txt', 'coarse_label_names.txt'] as const;
type Files = Record<(typeof fileNames)[number], Uint8Array>;
/** train.bin of the real archive is 153.7 MB. */
const maxFileBytes = 2 ** 30;

/**
 * @returns the facts of the stored set
 * @throws UsageError, DownloadError or ArchiveError; the earlier set is then unchanged
 */
export async function prepareCifar100(options: CifarOptions): Promise<PicturesFile> {
  const { dataFolder, from, url, md5, progress } = options;
  const folder = picturesFolder('cifar100', dataFolder);
  makeFolder(join(dataFolder, 'pictures'), fs, path);
  let files: Files;
  let source: string;
  if (from === null) {
    const archive = join(dataFolder, 'pictures', 'cifar-100-binary.tar.gz');
    await download({
      ...options.download,
      url,
      file: archive,
      md5,
      onProgress: (done, total) => progress.show('downloading', done, total, megabytes),
      log: (line) => progress.line(line),
    });
    try {
      files = await filesOfArchive(archive, progress);
    } finally {
      await rm(archive, { force: true });
    }
    source = url;
  } else {
    const kind = await stat(from).catch((error: NodeJS.ErrnoException) => {
      throw new UsageError(`--from: ${from}: ${pathProblem(error, 'read')}`);
    });
    if (!kind.isDirectory() && md5 !== null) {
      const got = await digestOf(from, 'md5');
      if (got !== md5)
        throw new UsageError(
          `--from: the MD5 of ${from} is ${got}, the official archive has ${md5}; if it is meant to be another one: --md5 ${got}, or --md5 none`,
        );
    }
    files = kind.isDirectory() ? await filesOfFolder(from) : await filesOfArchive(from, progress);
    source = from;
  }
  progress.line('checking');
  const facts = describe(files, source);
  // The same pictures again: the stored set is kept, and with it the features.
  if (!isThere(dataFolder, facts)) await putInPlace(folder, files, facts);
  return facts;
}

function isThere(dataFolder: string, facts: PicturesFile): boolean {
  try {
    const old = readPicturesFile('cifar100', dataFolder);
    for (const part of partNames) if (hashOf(readRecords('cifar100', dataFolder, old, part)) !== facts[part].sha256) return false;
    return true;
  } catch {
    return false;
  }
}

async function filesOfArchive(archive: string, progress: ProgressLine): Promise<Files> {
  const found: Partial<Files> = {};
  const { size } = await stat(archive);
  let read = 0;
  const compressed = createReadStream(archive).on('data', (chunk) => {
    read += chunk.length;
    progress.show('unpacking', read, size, megabytes);
  });
  const plain = createGunzip();
  const members = extract();
  compressed.on('error', (error) => plain.destroy(error)).pipe(plain);
  plain.on('error', (error) => members.destroy(error)).pipe(members);
  let inside = '';
  try {
    for await (const member of members) {
      inside = member.header.name;
      const known = fileNames.find((file) => file === inside.split('/').at(-1));
      const size = member.header.size ?? 0;
      if (known && size > maxFileBytes)
        throw new ArchiveError(`${inside}: a length of ${size} bytes is not plausible, at most ${maxFileBytes} are expected`);
      if (known) found[known] = await buffer(member);
      else member.resume();
    }
  } catch (error) {
    progress.end();
    throw error instanceof Error ? new ArchiveError(`${archive}: ${troubleOf(error, inside)}`) : error;
  } finally {
    compressed.destroy();
    plain.destroy();
  }
  return whole(found, archive);
}

function troubleOf({ code, message }: NodeJS.ErrnoException, inside: string): string {
  if (code === 'Z_BUF_ERROR') return `the archive is truncated (${message})`;
  if (code?.startsWith('Z_')) return `the archive is damaged, or not a gzip file (${message})`;
  if (message === 'Unexpected end of data') return `the archive ends${inside && ` inside ${inside}`}: it is truncated`;
  return message.startsWith('Invalid tar header') ? 'no tar header: not a tar archive, or a damaged one' : message;
}

async function filesOfFolder(folder: string): Promise<Files> {
  const found: Partial<Files> = {};
  for (const base of [folder, join(folder, 'cifar-100-binary')])
    for (const name of fileNames) found[name] ??= await readFile(join(base, name)).catch(() => undefined);
  return whole(found, folder);
}

function whole(found: Partial<Files>, where: string): Files {
  const missing = fileNames.filter((name) => !found[name]);
  if (missing.length > 0)
    throw new ArchiveError(`${where}: ${missing.join(', ')} not found in it; is it the whole binary version of CIFAR-100?`);
  return found as Files;
}

function describe(files: Files, source: string): PicturesFile {
  const names = (file: 'fine_label_names.txt' | 'coarse_label_names.txt', expected: number) => {
    const lines = Buffer.from(files[file])
      .toString('utf8')
      .split('\n')
      .map((line) => line.trim())
      .filter((line) => line !== '');
    if (lines.length !== expected)
      throw new ArchiveError(`${source}: ${file} has ${lines.length} names, CIFAR-100 has ${expected}`);
    return lines;
  };
  const classNames = names('fine_label_names.txt', 100);
  const coarseNames = names('coarse_label_names.txt', 20);
  const [train, test] = partNames.map((part) => {
    const bytes = files[`${part}.bin`];
    const wrong = recordsError(bytes, coarseNames.length, classNames.length);
    if (wrong) throw new ArchiveError(`${source}: ${part}.bin: ${wrong}`);
    return { count: bytes.length / recordBytes, sha256: hashOf(bytes) };
  });
  return { title: 'CIFAR-100', source, classNames, coarseNames, train: train!, test: test! };
}

/** Writes into a folder beside the final one, then swaps them: a reader sees either the old set or the new one. */
export async function putInPlace(
  folder: string,
  files: Pick<Files, 'train.bin' | 'test.bin'>,
  facts: PicturesFile,
): Promise<void> {
  const fresh = `${folder}.new-${process.pid}`;
  const old = `${folder}.old-${process.pid}`;
  try {
    await mkdir(fresh, { recursive: true });
    for (const part of partNames) await writeFile(binaryFile(fresh, part), files[`${part}.bin`], { flush: true });
    await writeFile(join(fresh, 'pictures.json'), `${JSON.stringify(facts, null, 1)}\n`, { flush: true });
    await rename(folder, old).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') throw error;
    });
    await rename(fresh, folder);
  } finally {
    await rm(fresh, { recursive: true, force: true });
    await rm(old, { recursive: true, force: true });
  }
}
