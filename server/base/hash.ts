import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';

/** SHA-256, in hex. */
export const hashOf = (content: string | Uint8Array): string => createHash('sha256').update(content).digest('hex');

/** @param file a file that is open stays open */
export async function hashOfFile(file: string | FileHandle): Promise<string> {
  const hash = createHash('sha256');
  const options = { start: 0, highWaterMark: 1 << 20 };
  const stream =
    typeof file === 'string' ? createReadStream(file, options) : file.createReadStream({ ...options, autoClose: false });
  for await (const part of stream) hash.update(part as Buffer);
  return hash.digest('hex');
}
