import { execFile, spawnSync } from 'node:child_process';
import { appendFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import sharp from 'sharp';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parseSafetensors, serializeSafetensors } from '~/shared/safetensors';
import { cifarFiles } from '~/test/support/cifarArchive';
import { formulaWeights } from '~/test/support/resnetWeights';
import { publishedConfig, recipeNamed } from '~/test/support/setups';
import type { RunConfig } from '~/trainer/base/config';
import { prepareCifar100 } from '~/trainer/data/cifar100';
import type { Extractor } from '~/trainer/data/extractors';
import { computeFeatures, type FeatureJob } from '~/trainer/data/features';
import { ProgressLine } from '~/trainer/data/progressLine';

const cwd = fileURLToPath(new URL('../../..', import.meta.url));
const command = ['--import', 'tsx', 'trainer/data/prepareFeatures.ts'];

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'headroom-features-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const quiet = new ProgressLine({ write: () => {} });

const sets = (task: RunConfig['task'], folder: string) =>
  recipeNamed('anomaly').open({ ...publishedConfig('anomaly'), task }, folder);

describe('computeFeatures', () => {
  /** Feature of picture n: [n, n / 2]. Breaks when picture `failAt` comes. */
  const extractor = (failAt = Number.POSITIVE_INFINITY, network = 'test'): Extractor & { seen: number[] } => {
    const seen: number[] = [];
    return {
      seen,
      provenance: { network },
      dim: 2,
      side: 1,
      async features(pictures) {
        const numbers = pictures.map((p) => p[0]!);
        if (numbers.some((n) => n >= failAt)) throw new Error('power cut');
        seen.push(...numbers);
        return Float32Array.from(numbers.flatMap((n) => [n, n / 2]));
      },
      dispose: () => {},
    };
  };
  const job = (e: Extractor, over: Partial<FeatureJob> = {}): FeatureJob => ({
    file: join(folder, 'f.safetensors'),
    what: 'features',
    count: 10,
    picture: async (index) => Uint8Array.of(index, 0, 0),
    extractor: e,
    batch: 3,
    picturesSha256: 'a'.repeat(64),
    metadata: { pictures: 'ten' },
    progress: quiet,
    ...over,
  });

  it('a job that broke off goes on after the last whole row, and the file is whole or not there', async () => {
    await expect(computeFeatures(job(extractor(7)))).rejects.toThrow('power cut');
    expect(readdirSync(folder).sort()).toEqual(['f.safetensors.part', 'f.safetensors.part.of']);
    // Killed while writing: half a row is there as well.
    appendFileSync(join(folder, 'f.safetensors.part'), Buffer.alloc(5, 9));
    const second = extractor();
    expect(await computeFeatures(job(second))).toBe(true);
    expect(second.seen).toEqual([6, 7, 8, 9]);
    expect(readdirSync(folder)).toEqual(['f.safetensors']);
    const { tensors, metadata } = parseSafetensors(readFileSync(join(folder, 'f.safetensors')));
    expect(tensors.get('features')).toEqual({
      dtype: 'F32',
      shape: [10, 2],
      data: Float32Array.from({ length: 20 }, (_, i) => (i % 2 ? (i - 1) / 4 : i / 2)),
    });
    expect(metadata).toMatchObject({ pictures: 'ten', network: 'test', picturesSha256: 'a'.repeat(64) });
  });

  it('is not done twice, but again when pictures or network are others', async () => {
    await computeFeatures(job(extractor()));
    expect(await computeFeatures(job(extractor()))).toBe(false);
    expect(await computeFeatures(job(extractor(), { picturesSha256: 'b'.repeat(64) }))).toBe(true);
    await expect(computeFeatures(job(extractor(7, 'other')))).rejects.toThrow('power cut');
    // The part of one network is no start for another.
    const third = extractor(99, 'third');
    await computeFeatures(job(third));
    expect(third.seen.length).toBe(10);
  });

  it('numbers that are not finite are an error that names the picture', async () => {
    const e = extractor();
    e.features = async (pictures) => Float32Array.from(pictures.flatMap((p) => [1, p[0] === 4 ? Number.NaN : 2]));
    await expect(computeFeatures(job(e))).rejects.toThrow(
      'features: the features of picture 4 are not finite; are these the right weights?',
    );
  });
});

describe('data:features', () => {
  /** `counts[i]` pictures of class i, colored by class, in several formats. */
  const pictureFolder = async (counts: Record<string, number>) => {
    const images = join(folder, 'images');
    for (const [at, [name, count]] of Object.entries(counts).entries()) {
      mkdirSync(join(images, name), { recursive: true });
      for (let i = 0; i < count; i++) {
        const picture = sharp({
          create: { width: 40 + i, height: 30, channels: 3, background: { r: 60 * at, g: 100, b: 20 * i } },
        });
        await (i % 2
          ? picture.jpeg().toFile(join(images, name, `${i}.JPG`))
          : picture.png().toFile(join(images, name, `${i}.png`)));
      }
    }
    return images;
  };

  it('--images DIR with ResNet-34: features, thumbnails and a task to train', async () => {
    const images = await pictureFolder({ cats: 4, dogs: 3, empty: 0 });
    writeFileSync(join(images, 'notes.txt'), 'not a class');
    const weights = join(folder, 'weights.safetensors');
    writeFileSync(weights, serializeSafetensors(formulaWeights().tensors));
    const args = [
      ...command,
      '--data',
      folder,
      '--images',
      images,
      '--weights',
      weights,
      '--backend',
      'wasm',
      '--threads',
      '1',
      '--batch',
      '4',
    ];
    const { stdout } = await promisify(execFile)(process.execPath, args, { cwd });
    const made = join(folder, 'pictures/folder');
    expect(stdout).toBe(
      `${made}/features.train.safetensors: f32 [5, 512]\n${made}/features.test.safetensors: f32 [2, 512]\n` +
        'Next: npm run train -- --task anomaly --images folder, or choose "folder" for a new run in the dashboard.\n',
    );
    expect(readdirSync(made).sort()).toEqual([
      'features.test.safetensors',
      'features.train.safetensors',
      'pictures.json',
      'test.bin',
      'train.bin',
    ]);
    const { tensors, metadata } = parseSafetensors(readFileSync(join(made, 'features.train.safetensors')));
    expect((tensors.get('features')!.data as Float32Array).every(Number.isFinite)).toBe(true);
    expect(metadata).toMatchObject({ network: 'resnet34', weights: 'weights.safetensors', pictures: 'pictures of images' });
    // Too few pictures for any set: the task says what would fit.
    await expect(sets({ setSize: 10, images: 'folder' }, folder)).rejects.toThrow(
      'task.setSize: 10 pictures need 9 of one class, and the train set has no two classes with so many',
    );
  });

  it('--network descriptor needs no weights; the folder then trains like the built-in pictures', async () => {
    const images = await pictureFolder({ a: 30, b: 30, c: 30 });
    const { stdout } = await promisify(execFile)(
      process.execPath,
      [...command, '--data', folder, '--images', images, '--network', 'descriptor'],
      { cwd },
    );
    expect(stdout).toContain('features.train.safetensors: f32 [72, 512]');
    const made = await sets({ setSize: 3, images: 'folder' }, folder);
    // 80 % of 30 = 24 per class for training, of which 10 % (2) for validation.
    expect(made.sizes).toEqual({ train: 66, validation: 6, test: 18 });
    const probe = made.probe(2, null);
    expect(probe.describe.pictures!.title).toBe('pictures of images');
    expect(probe.pictures!.side).toBe(32);
    expect(probe.batch.inputs.every((v) => Number.isFinite(v) && Math.abs(v) <= 5)).toBe(true);
  });

  it('CIFAR-100 without internet: descriptors of its pictures', async () => {
    const given = join(folder, 'given');
    mkdirSync(given);
    for (const [name, bytes] of Object.entries(cifarFiles(1200, 400))) writeFileSync(join(given, name), bytes);
    await prepareCifar100({ dataFolder: folder, from: given, url: '', md5: null, progress: quiet });
    await promisify(execFile)(process.execPath, [...command, '--data', folder, '--network', 'descriptor'], { cwd });
    const made = await sets({ setSize: 3, images: 'cifar100' }, folder).catch((e: Error) => e.message);
    // 12 pictures per class leave 1 for validation: too few for sets of 3.
    expect(made).toContain(
      'task.setSize: 3 pictures need 2 of one class, and the validation set has no two classes with so many',
    );
  });

  it.each([
    [['--images', 'DIR/none'], 2, /^--images: .*none: there is no such file or folder; give one that is there\n$/],
    [
      ['--images', 'DIR/images'],
      2,
      /^--images: .*images has 1 sub-folder with pictures .*at least 2 are needed, one per class\n$/,
    ],
    [
      [],
      1,
      /^task.images: no pictures in .*cifar100; to get them: npm run data:cifar100 -- --data ".*" \(in a clone of Headroom\)\n$/,
    ],
    [['--network', 'vgg'], 2, /^--network: "vgg" is none of resnet34, descriptor\n$/],
    [['--batch', '0'], 2, /^--batch: "0" is not a whole number from 1 to 1024\n$/],
    [['--color', 'red'], 2, /known flags: --images, --skip-broken, --weights/],
  ] as const)('%j ends with code %i and names what does not fit', async (flags, code, message) => {
    await pictureFolder({ only: 1 });
    const { status, stderr } = spawnSync(
      process.execPath,
      [...command, '--data', folder, ...flags.map((f) => f.replace('DIR', folder))],
      { cwd, encoding: 'utf8' },
    );
    expect([status, stderr]).toEqual([code, expect.stringMatching(message)]);
  });

  it('a file that is no picture is named, or left out when asked', async () => {
    const images = await pictureFolder({ a: 3, b: 3 });
    writeFileSync(join(images, 'a', 'x.png'), 'no picture');
    const args = [...command, '--data', folder, '--images', images, '--network', 'descriptor'];
    const strict = spawnSync(process.execPath, args, { cwd, encoding: 'utf8' });
    expect([strict.status, strict.stderr]).toEqual([
      2,
      expect.stringMatching(/a\/x.png cannot be read as a picture .*; remove it, or give --skip-broken\n$/),
    ]);
    expect(existsSync(join(folder, 'pictures'))).toBe(false);
    const lenient = spawnSync(process.execPath, [...args, '--skip-broken'], { cwd, encoding: 'utf8' });
    expect([lenient.status, lenient.stderr]).toEqual([
      0,
      expect.stringContaining('1 pictures could not be read and are left out'),
    ]);
  });
});
