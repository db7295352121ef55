/** A user's own pictures: one subfolder per class with its pictures. sharp (an optional package, which Next uses too) decodes them. */
import { readdir, stat } from 'node:fs/promises';
import { basename, extname, join } from 'node:path';
import { pathProblem } from '~/shared/pathProblem';
import { hashOf } from '~/trainer/base/hash';
import { RandomStream } from '~/trainer/nn/random';
import { encodeRecord, maxClasses, recordBytes, side } from './binary';
import { UsageError } from './flags';
import type { PartName, PicturesFile } from './prepared';
import type { ProgressLine } from './progressLine';
import { resizeRgb } from './resize';

const extensions = new Set(['.jpg', '.jpeg', '.png', '.webp', '.gif', '.tif', '.tiff', '.avif']);
/** Share of each class that becomes the test set. */
const testShare = 0.2;

export interface FolderPictures {
  facts: PicturesFile;
  records: Record<PartName, Uint8Array>;
  /** In the order of the records. */
  files: Record<PartName, string[]>;
}

/** RGB of a picture file. @throws UsageError naming the file when it cannot be decoded */
export async function decodeFile(file: string): Promise<{ rgb: Uint8Array; height: number; width: number }> {
  const sharp = await import('sharp').then(
    (m) => m.default,
    () => {
      throw new UsageError('--images: pictures are decoded by the package sharp, which is not installed here: npm install sharp');
    },
  );
  try {
    const { data, info } = await sharp(file)
      .rotate()
      .flatten({ background: '#808080' })
      .toColorspace('srgb')
      .raw()
      .toBuffer({ resolveWithObject: true });
    const rgb = new Uint8Array(info.width * info.height * 3);
    // Gray pictures come with one channel.
    for (let i = 0; i < info.width * info.height; i++)
      for (let c = 0; c < 3; c++) rgb[3 * i + c] = data[i * info.channels + (info.channels >= 3 ? c : 0)]!;
    return { rgb, height: info.height, width: info.width };
  } catch (error) {
    throw new UsageError(`--images: ${file} cannot be read as a picture (${(error as Error).message.split('\n')[0]})`);
  }
}

/**
 * Reads every picture once and divides each class into 80 % training and 20 % test pictures, always the same way.
 * @param skipBroken true: pictures that cannot be read are left out and reported; false: the first one is an error
 * @throws UsageError that names the folder or file and what would fit
 */
export async function readPictureFolder(folder: string, skipBroken: boolean, progress: ProgressLine): Promise<FolderPictures> {
  const classes = await classFolders(folder);
  const files: Record<PartName, string[]> = { train: [], test: [] };
  const records: Record<PartName, Uint8Array[]> = { train: [], test: [] };
  const total = classes.reduce((n, c) => n + c.files.length, 0);
  let done = 0;
  let broken = 0;
  for (const [label, { name, files: list }] of classes.entries()) {
    const thumbs: { file: string; record: Uint8Array }[] = [];
    for (const file of list) {
      progress.show('reading pictures', done++, total, (n) => `${Math.round(n)} pictures`);
      try {
        const { rgb, height, width } = await decodeFile(file);
        thumbs.push({ file, record: encodeRecord(0, label, resizeRgb(rgb, height, width, side, side)) });
      } catch (error) {
        if (!(error instanceof UsageError) || !skipBroken)
          throw error instanceof UsageError ? new UsageError(`${error.message}; remove it, or give --skip-broken`) : error;
        progress.line(`left out: ${error.message}`);
        broken++;
      }
    }
    if (thumbs.length < 2)
      throw new UsageError(
        `--images: class "${name}" has ${thumbs.length} readable picture${thumbs.length === 1 ? '' : 's'}, at least 2 are needed`,
      );
    const order = new RandomStream(0, `pictures/${name}`).permutation(thumbs.length);
    const testCount = Math.max(1, Math.round(thumbs.length * testShare));
    order.forEach((at, i) => {
      const part = i < testCount ? 'test' : 'train';
      files[part].push(thumbs[at]!.file);
      records[part].push(thumbs[at]!.record);
    });
  }
  progress.show('reading pictures', total, total, (n) => `${Math.round(n)} pictures`);
  if (broken > 0) progress.line(`${broken} pictures could not be read and are left out`);
  const joined = { train: concat(records.train), test: concat(records.test) };
  const part = (name: PartName) => ({ count: files[name].length, sha256: hashOf(joined[name]) });
  const facts: PicturesFile = {
    title: `pictures of ${basename(folder)}`,
    source: folder,
    classNames: classes.map((c) => c.name),
    coarseNames: ['picture'],
    train: part('train'),
    test: part('test'),
  };
  return { facts, records: joined, files };
}

async function classFolders(folder: string): Promise<{ name: string; files: string[] }[]> {
  const what = await stat(folder).catch((error: NodeJS.ErrnoException) => {
    throw new UsageError(`--images: ${folder}: ${pathProblem(error, 'read')}`);
  });
  if (!what.isDirectory())
    throw new UsageError(`--images: ${folder} is a file; give a folder with one sub-folder of pictures per class`);
  const byName = (a: string, b: string) => (a < b ? -1 : 1);
  const names = (await readdir(folder, { withFileTypes: true }))
    .filter((e) => e.isDirectory() && !e.name.startsWith('.'))
    .map((e) => e.name)
    .sort(byName);
  const classes = await Promise.all(
    names.map(async (name) => {
      const inside = (await readdir(join(folder, name))).filter((f) => extensions.has(extname(f).toLowerCase())).sort(byName);
      return { name, files: inside.map((f) => join(folder, name, f)) };
    }),
  );
  const found = classes.filter((c) => c.files.length > 0);
  if (found.length < 2)
    throw new UsageError(
      `--images: ${folder} has ${found.length} sub-folder${found.length === 1 ? '' : 's'} with pictures (${[...extensions].join(' ')}); at least 2 are needed, one per class`,
    );
  if (found.length > maxClasses) throw new UsageError(`--images: ${found.length} classes are more than ${maxClasses}`);
  return found;
}

function concat(records: Uint8Array[]): Uint8Array {
  const out = new Uint8Array(records.length * recordBytes);
  records.forEach((r, i) => {
    out.set(r, i * recordBytes);
  });
  return out;
}
