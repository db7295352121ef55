/** Converts a file that a program uploads to a sample of its run, if it is a picture or a text. */
import { hashOf } from '~/server/base/hash';
import type { BlobStore } from '~/server/store/blobs';
import type { BlobRef } from '~/shared/ids';
import { imageType } from '~/shared/imageType';
import { MAX_INLINE_CHARACTERS } from '~/shared/media';

/** Most bytes of one file. */
export const MAX_FILE_BYTES = 64 * 2 ** 20;

export async function kept(blobs: BlobStore, bytes: Uint8Array): Promise<BlobRef> {
  const blob = { hash: hashOf(bytes), bytes: bytes.length };
  await blobs.put(blob.hash, bytes);
  return blob;
}

/** The event; or an alert that such a file is not kept. */
export async function fileSample(blobs: BlobStore, name: string, bytes: Buffer, step: number): Promise<object> {
  const sample = { type: 'media', step, name: name.slice(0, 512) };
  if (imageType(bytes)) return { ...sample, kind: 'image', blob: await kept(blobs, bytes) };
  const text = textOf(bytes);
  if (text === null) {
    const message = `${name.slice(0, 512)} (${bytes.length} bytes) is not kept: of a program's files, pictures and texts are`;
    return { type: 'alert', step, level: 'info', kind: 'file', message };
  }
  return { ...sample, kind: 'text', ...(text.length <= MAX_INLINE_CHARACTERS ? { text } : { blob: await kept(blobs, bytes) }) };
}

/** null: not UTF-8 text. */
function textOf(bytes: Buffer): string | null {
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    return text.includes('\0') ? null : text;
  } catch {
    return null;
  }
}
