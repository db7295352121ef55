import { isUtf8 } from 'node:buffer';
import { analyse } from 'chardet';
import { ImportError } from './importError';
import type { SourceFile } from './sources';

/** The text encoding of a file. */
export interface Encoding {
  /** Name for TextDecoder. */
  name: string;
  /** Length of the byte order mark. */
  mark: number;
}

/** Files that people have beside tables, by their first bytes in lower case. */
const binaries = [
  ['a Parquet file', 'par1'],
  ['an Arrow file', 'arrow1'],
  ['an HDF5 file', '\x89hdf'],
  ['a NumPy file', '\x93numpy'],
  ['a pickle of Python', '\x80\x04'],
  ['a pickle of Python', '\x80\x05'],
  ['an SQLite database', 'sqlite format 3'],
  ['compressed by bzip2', 'bzh'],
  ['compressed by xz', '\xfd7zxz'],
  ['compressed by zstd', '\x28\xb5\x2f\xfd'],
  ['an archive of 7-Zip', '7z\xbc\xaf'],
  ['an archive of RAR', 'rar!'],
  ['an old Excel workbook', '\xd0\xcf\x11\xe0'],
  ['text as UTF-32', '\xff\xfe\0\0'],
  ['text as UTF-32', '\0\0\xfe\xff'],
  ['a PDF', '%pdf'],
  ['a picture', '\x89png'],
  ['a picture', '\xff\xd8\xff'],
  ['a web page', '<!doctype html'],
  ['a web page', '<html'],
] as const;

/** Bytes from which the encoding is guessed. */
const SAMPLE = 1 << 16;

/**
 * Judged by the byte order mark; without one, UTF-16 by its zero bytes, UTF-8 if the whole file is valid, else guessed from the
 * characters beyond ASCII.
 *
 * @throws ImportError when the file is not text
 */
export async function encodingOf(source: SourceFile, kind: string): Promise<Encoding> {
  let first = true;
  let rest: Buffer = Buffer.alloc(0);
  for await (const part of await source.open()) {
    if (first) {
      if (part.subarray(0, 4).toString('latin1') === ':W&B')
        throw new ImportError(
          'this is an offline run of W&B, which its own program sends: WANDB_BASE_URL=<this server> WANDB_API_KEY=<token> wandb sync FOLDER',
        );
      const known = binaries.find(([, begin]) => part.subarray(0, 16).toString('latin1').toLowerCase().startsWith(begin));
      if (known) throw new ImportError(`this is ${known[0]}, not ${kind}; save its numbers as CSV or as JSON lines`);
      const marked = byMark(part);
      if (marked) return marked;
      const zeros = [0, 1].map((odd) => part.subarray(0, SAMPLE).filter((byte, i) => byte === 0 && i % 2 === odd).length);
      const half = Math.min(part.length, SAMPLE) / 2;
      if (zeros[1]! > half * 0.6 && zeros[0]! < half * 0.1) return { name: 'utf-16le', mark: 0 };
      if (zeros[0]! > half * 0.6 && zeros[1]! < half * 0.1) return { name: 'utf-16be', mark: 0 };
      first = false;
    }
    if (part.includes(0)) throw new ImportError(`this is not ${kind}: it holds zero bytes`);
    const bytes = rest.length > 0 ? Buffer.concat([rest, part]) : part;
    const end = wholeLetters(bytes);
    if (!isUtf8(bytes.subarray(0, end))) return guessed(bytes);
    rest = bytes.subarray(end);
  }
  return rest.length > 0 && !isUtf8(rest) ? guessed(rest) : { name: 'utf-8', mark: 0 };
}

function byMark(bytes: Buffer): Encoding | null {
  if (bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf) return { name: 'utf-8', mark: 3 };
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return { name: 'utf-16le', mark: 2 };
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return { name: 'utf-16be', mark: 2 };
  return null;
}

/** Bytes before a character that continues in the next part. */
function wholeLetters(bytes: Buffer): number {
  for (let back = 1; back <= Math.min(3, bytes.length); back++) {
    const byte = bytes[bytes.length - back]!;
    if (byte < 0x80) return bytes.length;
    if (byte >= 0xc0) return back < (byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2) ? bytes.length - back : bytes.length;
  }
  return bytes.length;
}

function guessed(bytes: Buffer): Encoding {
  const first = bytes.findIndex((byte) => byte >= 0x80);
  const sample = bytes.subarray(Math.max(0, first - SAMPLE / 2), first + SAMPLE / 2);
  const known = analyse(sample).find(({ name, confidence }) => confidence >= 40 && name !== 'UTF-8' && decodes(name));
  // Latin-1 as browsers read it: a superset.
  return { name: known && !known.name.startsWith('ISO-8859-1') ? known.name.toLowerCase() : 'windows-1252', mark: 0 };
}

function decodes(name: string): boolean {
  try {
    new TextDecoder(name);
    return true;
  } catch {
    return false;
  }
}

/** The text of a file in parts. */
export async function* textOf(
  source: SourceFile,
  { name, mark }: Encoding,
  report?: (bytesRead: number) => void,
): AsyncGenerator<string> {
  const decoder = new TextDecoder(name, { ignoreBOM: true });
  let skip = mark;
  for await (const part of await source.open(report)) {
    const text = decoder.decode(part.subarray(skip), { stream: true });
    skip = Math.max(0, skip - part.length);
    if (text !== '') yield text;
  }
  const last = decoder.decode();
  if (last !== '') yield last;
}
