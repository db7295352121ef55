import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync, gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { cifarFiles, coarseNames, fineNames, records, tarGz } from '~/test/support/cifarArchive';
import { FileServer } from '~/test/support/fileServer';
import { decodePicture, fineLabels } from '~/trainer/data/binary';
import { type CifarOptions, prepareCifar100 } from '~/trainer/data/cifar100';
import { readPicturesFile, readRecords } from '~/trainer/data/prepared';
import { duration, megabytes, ProgressLine } from '~/trainer/data/progressLine';

const archive = tarGz(cifarFiles());
const md5 = createHash('md5').update(archive).digest('hex');

let folder: string;
let server: FileServer;
let said: string;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'headroom-cifar-'));
  server = await new FileServer(archive).start();
  said = '';
});
afterEach(async () => {
  await server.stop();
  rmSync(folder, { recursive: true, force: true });
});

const prepare = (over: Partial<CifarOptions> = {}) =>
  prepareCifar100({
    dataFolder: folder,
    from: null,
    url: server.url,
    md5,
    progress: new ProgressLine({ write: (text: string) => (said += text) }),
    download: { stallMs: 200, tries: 2, retryMs: 1 },
    ...over,
  });

/** The connection breaks once so many bytes of the file are on disk. */
const breakAt = (bytes: number) => {
  const part = join(folder, 'pictures/cifar-100-binary.tar.gz.part');
  return { breakAfter: bytes, breakWhen: () => existsSync(part) && statSync(part).size >= bytes };
};

/** Everything under the data folder. */
const left = () =>
  existsSync(join(folder, 'pictures')) ? readdirSync(join(folder, 'pictures'), { recursive: true }).map(String).sort() : [];
const whole = ['cifar100', 'cifar100/pictures.json', 'cifar100/test.bin', 'cifar100/train.bin'];

const expectWhole = () => {
  expect(left()).toEqual(whole);
  const facts = readPicturesFile('cifar100', folder);
  expect({ ...facts, source: '' }).toEqual({
    title: 'CIFAR-100',
    source: '',
    classNames: fineNames,
    coarseNames,
    train: { count: 300, sha256: createHash('sha256').update(records(300)).digest('hex') },
    test: { count: 200, sha256: createHash('sha256').update(records(200)).digest('hex') },
  });
  const train = readRecords('cifar100', folder, facts, 'train');
  expect([...fineLabels(train)].slice(98, 102)).toEqual([98, 99, 0, 1]);
  // Pixel x = 3, y = 2 of record 105 is (105 + 3, 2, 105 % 100).
  expect([...decodePicture(train, 105).subarray((2 * 32 + 3) * 3, (2 * 32 + 3) * 3 + 3)]).toEqual([108, 2, 5]);
};

describe('data:cifar100', () => {
  it('downloads, checks, unpacks and reads', async () => {
    await prepare();
    expectWhole();
    expect(said).toContain('downloading: 100.0 %');
  });

  it('goes on where a download broke off, within one call and in the next', async () => {
    server.moods.push(breakAt(4000), { ...breakAt(7000), breakAfter: 3000 }, { status: 503 }, { breakAfter: 0 });
    await expect(prepare()).rejects.toThrow(
      /: (terminated|other side closed|the server answered 503).*; 7000 bytes are kept, the same command goes on from there$/,
    );
    expect(left()).toEqual(['cifar-100-binary.tar.gz.part', 'cifar-100-binary.tar.gz.part.version']);
    await prepare();
    expectWhole();
    expect(server.ranges).toEqual([undefined, 'bytes=4000-', 'bytes=7000-', 'bytes=7000-', 'bytes=7000-']);
  });

  it('a connection that stalls counts as broken', async () => {
    server.moods.push({ stallAfter: 5000 });
    await prepare();
    expectWhole();
    expect(said).toContain('no data for 0.2 s; trying again');
    expect(server.ranges).toEqual([undefined, 'bytes=5000-']);
  });

  it('begins again when the file has changed, or the server knows no ranges', async () => {
    server.moods.push(breakAt(4000), { breakAfter: 0 }, { breakAfter: 0 });
    await expect(prepare()).rejects.toThrow('4000 bytes are kept');
    server.etag = '"2"';
    await prepare();
    expectWhole();
    rmSync(join(folder, 'pictures'), { recursive: true });
    server.moods.push(breakAt(4000), { ignoreRange: true });
    await prepare();
    expectWhole();
  });

  it('damaged bytes are found by their MD5 and not kept', async () => {
    const bad = Buffer.from(archive);
    bad[bad.length >> 1]! ^= 1;
    server.bytes = bad;
    await expect(prepare()).rejects.toThrow(
      /its MD5 is [0-9a-f]{32}, expected [0-9a-f]{32}: another file, or damaged on the way; it was deleted$/,
    );
    expect(left()).toEqual([]);
  });

  it('an address that does not exist is an error at once', async () => {
    server.moods.push({ status: 404 });
    await expect(prepare()).rejects.toThrow(`${server.url}: the server answered 404 Not Found`);
    expect(server.ranges.length).toBe(1);
    await expect(prepare({ url: 'ftp://x/y' })).rejects.toThrow('"ftp://x/y" is not an http(s) address');
  });

  const plain = gunzipSync(archive);
  const cases: [string, Buffer, RegExp][] = [
    ['truncated', archive.subarray(0, archive.length - 2000), /the archive is truncated/],
    [
      'with a flipped bit',
      Buffer.from(archive.map((b, i) => (i === 9000 ? b ^ 4 : b))),
      /the archive is damaged, or not a gzip file/,
    ],
    ['that is no gzip', Buffer.from('hello'), /the archive is damaged, or not a gzip file/],
    ['that is no tar', gzipSync(Buffer.alloc(2000, 'x')), /no tar header: not a tar archive, or a damaged one/],
    [
      'whose tar is cut',
      gzipSync(plain.subarray(0, 100_000)),
      /the archive ends inside cifar-100-binary\/train.bin: it is truncated/,
    ],
    [
      'of something else',
      tarGz({ 'data_batch_1.bin': new Uint8Array(10) }),
      /train.bin, test.bin, fine_label_names.txt, coarse_label_names.txt not found in it; is it the whole binary version/,
    ],
    [
      'with a short record',
      tarGz({ ...cifarFiles(), 'test.bin': records(2).subarray(1) }),
      /test.bin: 6147 bytes are not a whole number of records of 3074/,
    ],
    [
      'with a label too high',
      tarGz({ ...cifarFiles(), 'train.bin': Buffer.concat([records(2), Buffer.alloc(3074, 100)]) }),
      /train.bin: record 2 has labels 100 and 100, below 20 and 100 are possible/,
    ],
    [
      'with too few names',
      tarGz({ ...cifarFiles(), 'fine_label_names.txt': Buffer.from('a\nb\n') }),
      /fine_label_names.txt has 2 names, CIFAR-100 has 100/,
    ],
  ];
  it.each(cases)('an archive %s is refused and leaves what was there', async (_what, bytes, message) => {
    await prepare();
    const file = join(folder, 'given.tar.gz');
    writeFileSync(file, bytes);
    await expect(prepare({ from: file, md5: null })).rejects.toThrow(message);
    expectWhole();
  });

  it('takes the archive or its unpacked files from this machine', async () => {
    const file = join(folder, 'given.tar.gz');
    writeFileSync(file, archive);
    await prepare({ from: file });
    expectWhole();
    await expect(prepare({ from: file, md5: 'f'.repeat(32) })).rejects.toThrow(
      `--from: the MD5 of ${file} is ${md5}, the official archive has ffff`,
    );
    for (const where of ['unpacked', 'above/cifar-100-binary']) {
      mkdirSync(join(folder, where), { recursive: true });
      for (const [name, bytes] of Object.entries(cifarFiles())) writeFileSync(join(folder, where, name), bytes);
      rmSync(join(folder, 'pictures'), { recursive: true });
      await prepare({ from: join(folder, where.split('/')[0]!) });
      expectWhole();
    }
    await expect(prepare({ from: join(folder, 'nothing') })).rejects.toThrow(
      /--from: .*nothing: there is no such file or folder; give one that is there/,
    );
    expect(server.ranges).toEqual([]);
  });

  it('what was damaged later is found when it is read', async () => {
    await prepare();
    const facts = readPicturesFile('cifar100', folder);
    const file = join(folder, 'pictures/cifar100/test.bin');
    writeFileSync(file, readFileSync(file).subarray(5));
    expect(() => readRecords('cifar100', folder, facts, 'test')).toThrow(
      `task.images: ${file} is broken: it has 614795 bytes, 200 pictures need 614800; to make it again: npm run data:cifar100 -- --data "${folder}" (in a clone of Headroom)`,
    );
  });

  it('as a command: the result on standard output; flags that do not fit are named, with code 2', () => {
    const file = join(folder, 'given.tar.gz');
    writeFileSync(file, archive);
    const command = ['--import', 'tsx', 'trainer/data/prepareCifar100.ts', '--data', folder];
    const cwd = fileURLToPath(new URL('../../..', import.meta.url));
    expect(
      execFileSync(process.execPath, [...command, '--from', file, '--md5', md5], { cwd, encoding: 'utf8', stdio: 'pipe' }),
    ).toBe(
      `CIFAR-100: 300 training and 200 test pictures of 100 classes in ${folder}\nNext, their features: npm run data:features -- --data "${folder}" (in a clone of Headroom)\n`,
    );
    expectWhole();
    const wrong = spawnSync(process.execPath, [...command, '--md5', 'abc'], { cwd, encoding: 'utf8' });
    expect([wrong.status, wrong.stderr]).toEqual([2, '--md5: "abc" is not 32 hex digits, nor none\n']);
  });
});

describe('ProgressLine', () => {
  it('rewrites one line on a terminal and prints one every five seconds elsewhere', () => {
    let now = 0;
    const written = (isTTY: boolean) => {
      let out = '';
      now = 0;
      const line = new ProgressLine({ isTTY, write: (text: string) => (out += text) }, () => now);
      for (const [ms, done] of [
        [0, 0],
        [1000, 1e6],
        [6000, 3e6],
        [8000, 4e6],
      ] as const) {
        now = ms;
        line.show('x', done, 4e6, megabytes);
      }
      return out;
    };
    const bar = (text: string) => `\r\x1b[K${text}`;
    const lines = [
      'x: 0.0 %, 0.0 MB of 4.0 MB',
      'x: 25.0 %, 1.0 MB of 4.0 MB, 1.0 MB/s, 3 s left',
      'x: 75.0 %, 3.0 MB of 4.0 MB, 0.5 MB/s, 2 s left',
      'x: 100.0 %, 4.0 MB of 4.0 MB, 0.5 MB/s',
    ];
    expect(written(true)).toBe(`${lines.map(bar).join('')}\n`);
    expect(written(false)).toBe(`${[lines[0], lines[2], lines[3]].join('\n')}\n`);
    expect([duration(59_000), duration(61_000), duration(7_260_000)]).toEqual(['59 s', '1 min 1 s', '2 h 1 min']);
  });
});
