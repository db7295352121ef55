import { gzipSync } from 'node:zlib';
import { encodeRecord, recordBytes } from '~/trainer/data/binary';

export const fineNames = Array.from({ length: 100 }, (_, i) => `class ${i}`);
export const coarseNames = Array.from({ length: 20 }, (_, i) => `kind ${i}`);

/** `count` records that cycle through the classes; pixel (x, y) of record n is (n + x, y, class). */
export function records(count: number): Buffer {
  const out = Buffer.alloc(count * recordBytes);
  for (let n = 0; n < count; n++) {
    const rgb = new Uint8Array(32 * 32 * 3);
    for (let i = 0; i < 1024; i++) rgb.set([(n + (i % 32)) % 256, Math.floor(i / 32), n % 100], 3 * i);
    out.set(encodeRecord(n % 20, n % 100, rgb), n * recordBytes);
  }
  return out;
}

export const cifarFiles = (train = 300, test = 200): Record<string, Uint8Array> => ({
  'train.bin': records(train),
  'test.bin': records(test),
  'fine_label_names.txt': Buffer.from(`${fineNames.join('\n')}\n\n`),
  'coarse_label_names.txt': Buffer.from(`${coarseNames.join('\n')}\n`),
});

/** The same layout as the real archive: a folder entry, then the files. */
export function tarGz(files: Record<string, Uint8Array>, folder = 'cifar-100-binary'): Buffer {
  const parts: Uint8Array[] = [header(`${folder}/`, 0, '5')];
  for (const [name, bytes] of Object.entries(files))
    parts.push(header(`${folder}/${name}`, bytes.length, '0'), bytes, Buffer.alloc((512 - (bytes.length % 512)) % 512));
  parts.push(Buffer.alloc(1024));
  return gzipSync(Buffer.concat(parts));
}

function header(name: string, size: number, type: string): Buffer {
  const h = Buffer.alloc(512);
  h.write(name, 0);
  h.write('0000644\0', 100);
  h.write(`${size.toString(8).padStart(11, '0')}\0`, 124);
  h.write('        ', 148);
  h.write(type, 156);
  h.write('ustar\x0000', 257);
  const sum = h.reduce((a, b) => a + b, 0);
  h.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return h;
}
