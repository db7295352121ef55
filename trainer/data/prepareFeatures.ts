/** `npm run data:features`: features of CIFAR-100 or of a folder of pictures, for `--images cifar100` or `--images folder`. */
import fs from 'node:fs';
import { readFile, rm } from 'node:fs/promises';
import path, { basename, join, resolve } from 'node:path';
import { backendNames } from '~/shared/backends';
import { dataFolderOf, makeFolder } from '~/shared/dataFolder';
import { pathProblem } from '~/shared/pathProblem';
import { SafetensorsError } from '~/shared/safetensors';
import { BackendUnavailable, type OpenedBackend, openBackend, parseBackendName } from '~/trainer/backends';
import { decodePicture, side } from './binary';
import { putInPlace } from './cifar100';
import { DownloadError, download } from './download';
import { descriptorExtractor, type Extractor, resnetExtractor } from './extractors';
import { computeFeatures } from './features';
import { readFlags, UsageError } from './flags';
import { decodeFile, readPictureFolder } from './pictureFolder';
import {
  featuresFile,
  type PartName,
  type PicturesFile,
  type PreparedSource,
  partNames,
  picturesFolder,
  readPicturesFile,
  readRecords,
} from './prepared';
import { megabytes, ProgressLine } from './progressLine';
import { resizeRgb } from './resize';

export const weightsUrl = 'https://huggingface.co/timm/resnet34.tv_in1k/resolve/main/model.safetensors';

const help = `npm run data:features -- [flags]

  --images DIR      a folder with one sub-folder of pictures per class, in place of CIFAR-100
  --skip-broken     leave out pictures that cannot be read (with --images)
  --weights FILE    torchvision's ResNet-34 weights as safetensors, on this machine
  --weights-url URL where to download them (HEADROOM_RESNET34_URL, else ${weightsUrl})
  --network NAME    resnet34 (default), or descriptor: 512 numbers without a network, where the weights are out of reach
  --backend NAME    auto, ${backendNames.join(', ')}
  --threads N       threads for one operation
  --batch N         pictures at a time (32)
  --data FOLDER     where pictures and features lie (HEADROOM_DATA, else .headroom)
  --help            this text

A job that was stopped goes on where it was.`;

const progress = new ProgressLine(process.stderr);

/** The pictures of one part, resized to the extractor's side. */
type Reader = (part: PartName, side: number) => (index: number) => Promise<Uint8Array>;

async function cifarReader(dataFolder: string): Promise<{ facts: PicturesFile; reader: Reader }> {
  const facts = readPicturesFile('cifar100', dataFolder);
  const reader: Reader = (part, to) => {
    const records = readRecords('cifar100', dataFolder, facts, part);
    return async (index) => resizeRgb(decodePicture(records, index), side, side, to, to);
  };
  return { facts, reader };
}

async function folderReader(
  images: string,
  skipBroken: boolean,
  dataFolder: string,
): Promise<{ facts: PicturesFile; reader: Reader }> {
  const { facts, records, files } = await readPictureFolder(images, skipBroken, progress);
  // If the pictures are the same as last time, they and the features computed so far are kept.
  if (JSON.stringify(factsOrNull(dataFolder)) !== JSON.stringify(facts)) {
    makeFolder(join(dataFolder, 'pictures'), fs, path);
    await putInPlace(picturesFolder('folder', dataFolder), { 'train.bin': records.train, 'test.bin': records.test }, facts);
  }
  const reader: Reader = (part, to) => async (index) => {
    const { rgb, height, width } = await decodeFile(files[part][index]!);
    return resizeRgb(rgb, height, width, to, to);
  };
  return { facts, reader };
}

function factsOrNull(dataFolder: string): PicturesFile | null {
  try {
    return readPicturesFile('folder', dataFolder);
  } catch {
    return null;
  }
}

async function openResnet(
  flags: { weights?: string; url: string },
  dataFolder: string,
  backend: OpenedBackend,
): Promise<Extractor> {
  let file = flags.weights;
  if (file === undefined) {
    file = join(dataFolder, 'weights', `${new URL(flags.url).hostname}-resnet34.safetensors`);
    if ((await readFile(file).catch(() => null)) === null)
      await download({
        url: flags.url,
        file,
        md5: null,
        onProgress: (done, total) => progress.show('weights', done, total, megabytes),
        log: (line) => progress.line(line),
      }).catch((error: Error) => {
        throw new DownloadError(
          `${error.message}\nThe weights can also be brought here as a file (--weights FILE), or done without (--network descriptor).`,
        );
      });
  }
  const bytes = await readFile(file).catch((error: NodeJS.ErrnoException) => {
    throw new UsageError(`--weights: ${file}: ${pathProblem(error, 'read')}`);
  });
  try {
    return resnetExtractor(bytes, flags.weights === undefined ? flags.url : basename(file), backend);
  } catch (error) {
    if (flags.weights === undefined) await rm(file, { force: true });
    if (error instanceof SafetensorsError) throw new UsageError(`--weights: ${file}: ${error.message}`);
    throw error;
  }
}

async function main(args: string[]): Promise<void> {
  const flags = readFlags(args, {
    images: { type: 'string' },
    'skip-broken': { type: 'boolean' },
    weights: { type: 'string' },
    'weights-url': { type: 'string' },
    network: { type: 'string', default: 'resnet34' },
    backend: { type: 'string' },
    threads: { type: 'string' },
    batch: { type: 'string', default: '32' },
    data: { type: 'string' },
    help: { type: 'boolean' },
  });
  if (flags.help) return console.log(help);
  const network = flags.network;
  if (network !== 'resnet34' && network !== 'descriptor')
    throw new UsageError(`--network: "${network}" is none of resnet34, descriptor`);
  const batch = wholeNumber('--batch', flags.batch, 1024);
  const threads = flags.threads === undefined ? undefined : wholeNumber('--threads', flags.threads, 1024);
  const url = flags['weights-url'] ?? (process.env.HEADROOM_RESNET34_URL || weightsUrl);
  if (!URL.canParse(url)) throw new UsageError(`--weights-url: "${url}" is not an address`);
  if (flags.weights !== undefined && flags['weights-url'] !== undefined)
    throw new UsageError('--weights and --weights-url: give one of the two');
  const wanted = flags.backend || process.env.HEADROOM_BACKEND || 'auto';
  const choice = wanted === 'auto' ? wanted : parseBackendName(wanted);
  const dataFolder = resolve(dataFolderOf(flags.data, process.env));

  const source: PreparedSource = flags.images === undefined ? 'cifar100' : 'folder';
  const { facts, reader } =
    flags.images === undefined
      ? await cifarReader(dataFolder)
      : await folderReader(resolve(flags.images), flags['skip-broken'] ?? false, dataFolder);
  const backend =
    network === 'resnet34'
      ? await openBackend(choice, { ...(threads !== undefined && { threads }), log: (line) => progress.line(line) })
      : null;
  const extractor = backend
    ? await openResnet({ url, ...(flags.weights !== undefined && { weights: flags.weights }) }, dataFolder, backend)
    : descriptorExtractor();
  for (const part of partNames) {
    const file = featuresFile(picturesFolder(source, dataFolder), part);
    const computed = await computeFeatures({
      file,
      what: `features of the ${part} pictures`,
      count: facts[part].count,
      picture: reader(part, extractor.side),
      extractor,
      batch,
      picturesSha256: facts[part].sha256,
      metadata: { pictures: facts.title, picturesSource: facts.source },
      progress,
    });
    console.log(`${file}: f32 [${facts[part].count}, ${extractor.dim}]${computed ? '' : ', was there already'}`);
  }
  console.log(`Next: npm run train -- --task anomaly --images ${source}, or choose "${source}" for a new run in the dashboard.`);
}

function wholeNumber(flag: string, text: string, most: number): number {
  const n = Number(text);
  if (!/^\d+$/.test(text) || n < 1 || n > most)
    throw new UsageError(`${flag}: "${text}" is not a whole number from 1 to ${most}`);
  return n;
}

main(process.argv.slice(2)).catch((error: unknown) => {
  progress.end();
  const { code, message } = error as NodeJS.ErrnoException;
  const known =
    error instanceof UsageError ||
    error instanceof DownloadError ||
    error instanceof BackendUnavailable ||
    error instanceof RangeError;
  console.error(known || code !== undefined || message?.startsWith('task.images') ? message : error);
  process.exitCode = error instanceof UsageError || error instanceof RangeError ? 2 : 1;
});
