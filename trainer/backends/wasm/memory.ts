import { readFileSync } from 'node:fs';

const memorySection = 5;
const limitsWithMaximum = 1;
const sharedLimits = 3;

/**
 * tfjs' WebAssembly module with its memory declared shared, so that our threads can work on it: this changes one byte of the file. Nothing else
 * changes; the module itself stays single-threaded.
 *
 * @returns a data URL; @throws Error when the layout of the file is not that of tfjs 4.22
 */
export function withSharedMemory(file: string): string {
  const bytes = readFileSync(file);
  let at = 8; // after magic and version
  const number = () => {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = bytes[at++]!;
      value |= (byte & 127) << shift;
      if (byte < 128) return value >>> 0;
    }
  };
  while (at < bytes.length) {
    const section = bytes[at++];
    const size = number();
    if (section !== memorySection) {
      at += size;
      continue;
    }
    if (bytes[at] !== 1 || bytes[at + 1] !== limitsWithMaximum) break;
    bytes[at + 1] = sharedLimits;
    return `data:application/wasm;base64,${bytes.toString('base64')}`;
  }
  throw new Error(`${file}: its memory cannot be shared`);
}
