import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { BlobError, type BlobStore, openBlobs } from '~/server/store/blobs';
import { ownFolder } from '~/test/support/folder';
import { openMemoryStore } from '~/test/support/memoryStore';

const folder = ownFolder();
afterAll(folder.remove);

const sha = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');
const bytesOf = (length: number, seed: number) => Uint8Array.from({ length }, (_, i) => (i * 31 + seed) % 251);
const filesOf = (data: string) =>
  readdirSync(data, { recursive: true, withFileTypes: true })
    .filter((f) => f.isFile())
    .map((f) => f.name);
async function* parts(bytes: Uint8Array, size: number) {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

describe('blobs', () => {
  let blobs: BlobStore;
  let data: string;
  let n = 0;
  beforeEach(async () => {
    data = path.join(folder.path, String(n++));
    blobs = await openBlobs(data, openMemoryStore());
  });

  it.each([0, 1, 16_384, 16_385, 300_000])(
    '%i bytes come back, given whole or in parts; a second put changes nothing',
    async (length) => {
      for (const seed of [1, 2]) {
        const bytes = bytesOf(length, seed);
        expect(await blobs.has(sha(bytes))).toBe(length === 0 && seed === 2);
        expect(await blobs.put(sha(bytes), seed === 1 ? bytes : parts(bytes, 1000))).toEqual({
          bytes: length,
          fresh: !(length === 0 && seed === 2),
        });
        expect(await blobs.put(sha(bytes), parts(bytes, 777))).toEqual({ bytes: length, fresh: false });
        expect(Buffer.compare((await blobs.get(sha(bytes)))!, bytes)).toBe(0);
        expect(await blobs.size(sha(bytes))).toBe(length);
      }
    },
  );

  it('small blobs are rows, larger ones one file named by their hash', async () => {
    const large = bytesOf(20_000, 1);
    await blobs.put(sha(large), large);
    await blobs.put(sha(bytesOf(9, 1)), bytesOf(9, 1));
    expect(filesOf(data)).toEqual([sha(large)]);
  });

  it('an unknown blob is null, whichever way it is asked for', async () => {
    const hash = 'a'.repeat(64);
    expect([await blobs.get(hash), await blobs.open(hash), await blobs.size(hash), await blobs.has(hash)]).toEqual([
      null,
      null,
      null,
      false,
    ]);
  });

  it.each([100, 50_000])('a part of %i bytes can be read as a stream', async (length) => {
    const bytes = bytesOf(length, 3);
    await blobs.put(sha(bytes), bytes);
    const { bytes: size, stream } = (await blobs.open(sha(bytes), { start: 10, end: 19 }))!;
    expect([size, [...Buffer.concat(await stream.toArray())]]).toEqual([length, [...bytes.subarray(10, 20)]]);
  });

  it.each([100, 50_000])('%i bytes under a wrong hash are refused and leave nothing', async (length) => {
    const bytes = bytesOf(length, 4);
    const hash = 'b'.repeat(64);
    const message = `blob ${hash}: the ${length} bytes received have SHA-256 ${sha(bytes)}; send them again`;
    await expect(blobs.put(hash, parts(bytes, 999))).rejects.toThrow(new BlobError('mismatch', message));
    expect([await blobs.has(hash), filesOf(data)]).toEqual([false, []]);
  });

  it('more than the allowed bytes are refused, a stream that breaks off passes its error on; neither leaves anything', async () => {
    const bytes = bytesOf(50_000, 5);
    await expect(blobs.put(sha(bytes), parts(bytes, 999), 40_000)).rejects.toThrow(
      new BlobError('too-large', `blob ${sha(bytes)}: more than the 40000 bytes allowed`),
    );
    async function* broken() {
      yield bytes.subarray(0, 30_000);
      throw new Error('connection lost');
    }
    await expect(blobs.put(sha(bytes), broken())).rejects.toThrow('connection lost');
    expect([await blobs.has(sha(bytes)), filesOf(data)]).toEqual([false, []]);
  });

  it('a blob that is deleted as it is opened is read whole, or is not there', async () => {
    const bytes = bytesOf(3_000_000, 6);
    for (let early = 0; early < 5; early++) {
      await blobs.put(sha(bytes), bytes);
      const opening = blobs.open(sha(bytes));
      for (let i = 0; i < early; i++) await stat(data);
      await blobs.remove(sha(bytes));
      const opened = await opening;
      if (!opened) continue;
      const read: Uint8Array[] = [];
      for await (const part of opened.stream) read.push(part);
      expect(Buffer.compare(Buffer.concat(read), bytes)).toBe(0);
    }
  });

  it('a file that somebody left among the folders hides no other blob', async () => {
    const large = bytesOf(20_000, 3);
    await blobs.put(sha(large), large);
    const other = sha(large).startsWith('00') ? '01' : '00';
    for (const name of [other, 'notes.txt']) writeFileSync(path.join(data, 'blobs', name), 'x');
    const found: string[] = [];
    for await (const { hash } of blobs.files()) found.push(hash);
    expect(found).toEqual([sha(large)]);
  });

  it.each([9, 20_000])(
    '%i bytes that were damaged where they are stored are written again when they are sent again',
    async (length) => {
      const [bytes, wrong] = [bytesOf(length, 7), bytesOf(length, 8)];
      let small: Buffer | null = null;
      const store = {
        ...openMemoryStore(),
        smallBlob: async () => small,
        putSmallBlob: async (_: string, b: Buffer) => {
          small = b;
        },
      };
      blobs = await openBlobs(data, store as never);
      await blobs.put(sha(bytes), bytes);
      if (small) small = Buffer.from(wrong);
      else writeFileSync(path.join(data, 'blobs', sha(bytes).slice(0, 2), sha(bytes)), wrong.subarray(0, 17_000));
      await expect(blobs.get(sha(bytes))).rejects.toThrow('is damaged');
      await expect(blobs.put(sha(bytes), wrong)).rejects.toThrow('send them again');
      expect(await blobs.put(sha(bytes), parts(bytes, 999))).toEqual({ bytes: length, fresh: false });
      expect(Buffer.compare((await blobs.get(sha(bytes)))!, bytes)).toBe(0);
    },
  );

  it('a file that cannot be read is as good as damaged, and folders that cannot be written are a reason not to be ready', async () => {
    const large = bytesOf(20_000, 9);
    const file = path.join(data, 'blobs', sha(large).slice(0, 2), sha(large));
    // A folder in the place of a file stands for one without rights: whoever runs the tests may be allowed to read everything.
    mkdirSync(file, { recursive: true });
    const message = `blob ${sha(large)}: it is a folder; give a file`;
    for (const read of [blobs.get, blobs.open]) await expect(read(sha(large))).rejects.toThrow(new BlobError('damaged', message));
    await blobs.check();
    rmSync(path.join(data, 'blobs/tmp'), { recursive: true });
    await expect(blobs.check()).rejects.toThrow(`${path.join(data, 'blobs')}: its folder is not there; make it first`);
  });

  it('a name that is not a hash never reaches the file system', async () => {
    const message = 'hash: "../../etc/passwd" is not a blob\'s; 64 lower-case hex digits (SHA-256) are needed';
    await expect(blobs.get('../../etc/passwd')).rejects.toThrow(new BlobError('invalid', message));
  });

  it('what a crash left half-written is removed at the next start', async () => {
    mkdirSync(path.join(data, 'blobs/tmp'), { recursive: true });
    writeFileSync(path.join(data, 'blobs/tmp/half'), 'x');
    await openBlobs(data, openMemoryStore());
    expect(filesOf(data)).toEqual([]);
  });
});
