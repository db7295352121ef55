/** Computes the features of many pictures into one safetensors file; finished rows are kept, so that a stopped job can continue. */
import { existsSync } from 'node:fs';
import { open, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { serializeSafetensors } from '~/shared/safetensors';
import { writeFileAtomically } from '~/trainer/base/atomicFile';
import type { Extractor } from './extractors';
import type { ProgressLine } from './progressLine';

export interface FeatureJob {
  /** Path of the finished file; until then `<file>.part` holds the rows so far. */
  file: string;
  what: string;
  count: number;
  /** RGB, [side, side, 3], with the extractor's side. */
  picture(index: number): Promise<Uint8Array>;
  extractor: Extractor;
  batch: number;
  /** Hash of the pictures; a file with another hash is computed again. */
  picturesSha256: string;
  /** Further metadata for the file. */
  metadata: Record<string, string>;
  progress: ProgressLine;
}

const pictures = (n: number): string =>
  `${n < 10 ? n.toFixed(1).replace(/\.0$/, '') : Math.round(n).toLocaleString('en')} pictures`;

/** @returns false when the file was there already @throws Error when a feature is not a finite number */
export async function computeFeatures(job: FeatureJob): Promise<boolean> {
  const { file, what, count, extractor, batch, picturesSha256, progress } = job;
  const identity = JSON.stringify({ ...extractor.provenance, picturesSha256, count });
  if (await isDone(file, identity)) return false;
  const part = `${file}.part`;
  const rowBytes = extractor.dim * 4;
  let done =
    (await readFile(`${part}.of`, 'utf8').catch(() => '')) === identity && existsSync(part) ? await wholeRows(part, rowBytes) : 0;
  if (done === 0) {
    await writeFile(part, '');
    await writeFile(`${part}.of`, identity);
  } else {
    progress.line(`${what}: ${done} of ${count} were done before`);
  }
  const out = await open(part, 'a');
  try {
    while (done < count) {
      progress.show(what, done, count, pictures);
      const size = Math.min(batch, count - done);
      const rgb: Uint8Array[] = [];
      for (let i = 0; i < size; i++) rgb.push(await job.picture(done + i));
      const rows = await extractor.features(rgb);
      const bad = rows.findIndex((v) => !Number.isFinite(v));
      if (bad >= 0)
        throw new Error(
          `${what}: the features of picture ${done + Math.floor(bad / extractor.dim)} are not finite; are these the right weights?`,
        );
      await out.writeFile(new Uint8Array(rows.buffer, rows.byteOffset, rows.byteLength));
      done += size;
    }
    await out.sync();
  } finally {
    progress.end();
    await out.close();
  }
  progress.show(what, done, count, pictures);
  const raw = await readFile(part);
  const data = new Float32Array(raw.buffer.slice(raw.byteOffset, raw.byteOffset + raw.byteLength));
  const metadata = { ...job.metadata, ...extractor.provenance, picturesSha256, identity };
  await writeFileAtomically(file, serializeSafetensors([['features', { shape: [count, extractor.dim], data }]], metadata));
  await rm(part, { force: true });
  await rm(`${part}.of`, { force: true });
  return true;
}

/** Reads only the header: the file may have 100 MB. */
async function isDone(file: string, identity: string): Promise<boolean> {
  const handle = await open(file, 'r').catch(() => null);
  if (!handle) return false;
  try {
    const start = Buffer.alloc(64 * 1024);
    const { bytesRead } = await handle.read(start, 0, start.length, 0);
    if (bytesRead < 8) return false;
    const length = Number(start.readBigUInt64LE(0));
    const header = JSON.parse(start.toString('utf8', 8, 8 + length)) as { __metadata__?: { identity?: string } };
    return header.__metadata__?.identity === identity;
  } catch {
    return false;
  } finally {
    await handle.close();
  }
}

/** Counts complete rows: a process killed while writing may leave part of a row. */
async function wholeRows(part: string, rowBytes: number): Promise<number> {
  const { size } = await stat(part);
  const rows = Math.floor(size / rowBytes);
  await truncate(part, rows * rowBytes);
  return rows;
}
