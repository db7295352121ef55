/** Reads tar archives as a stream: plain files in archive order. Format: POSIX ustar; pax headers are skipped. */

/** The bytes are not a complete tar archive; the message says where. */
export class ArchiveError extends Error {
  override name = 'ArchiveError';
}

export interface TarMember {
  name: string;
  bytes: Uint8Array;
}

const block = 512;

/**
 * @param maxBytes a larger member is an error: a broken length must not fill the memory
 * @throws ArchiveError when the archive ends early or a header is broken
 */
export async function* tarMembers(chunks: AsyncIterable<Uint8Array>, maxBytes: number): AsyncGenerator<TarMember> {
  const reader = new Reader(chunks);
  for (;;) {
    const at = reader.position;
    const header = await reader.read(block);
    if (header === null) throw new ArchiveError(`the archive ends at byte ${at} without its end mark: it is truncated`);
    if (header.every((b) => b === 0)) return;
    const stored = octal(header.subarray(148, 156));
    let sum = 8 * 0x20;
    for (let i = 0; i < block; i++) if (i < 148 || i >= 156) sum += header[i]!;
    if (stored !== sum) throw new ArchiveError(`no tar header at byte ${at}: not a tar archive, or a damaged one`);
    const size = octal(header.subarray(124, 136));
    const name = [text(header.subarray(345, 500)), text(header.subarray(0, 100))].filter((s) => s !== '').join('/');
    if (!(size >= 0 && size <= maxBytes))
      throw new ArchiveError(`${name}: a length of ${size} bytes is not plausible, at most ${maxBytes} are expected`);
    const bytes = await reader.read(size);
    const padding = (block - (size % block)) % block;
    if (bytes === null || (await reader.read(padding)) === null)
      throw new ArchiveError(`the archive ends inside ${name}: it is truncated`);
    const type = String.fromCharCode(header[156]!);
    if (type === '0' || type === '\0') yield { name, bytes };
  }
}

function octal(field: Uint8Array): number {
  const digits = text(field).trim();
  return /^[0-7]+$/.test(digits) ? Number.parseInt(digits, 8) : Number.NaN;
}

function text(field: Uint8Array): string {
  const end = field.indexOf(0);
  return Buffer.from(end < 0 ? field : field.subarray(0, end)).toString('utf8');
}

/** Reads exact numbers of bytes from chunks of any size. */
class Reader {
  position = 0;
  readonly #source: AsyncIterator<Uint8Array>;
  #rest: Uint8Array = new Uint8Array(0);

  constructor(chunks: AsyncIterable<Uint8Array>) {
    this.#source = chunks[Symbol.asyncIterator]();
  }

  /** null when fewer bytes are left. */
  async read(count: number): Promise<Uint8Array | null> {
    const out = new Uint8Array(count);
    for (let filled = 0; filled < count; ) {
      if (this.#rest.length === 0) {
        const next = await this.#source.next();
        if (next.done) return null;
        this.#rest = next.value;
        continue;
      }
      const piece = this.#rest.subarray(0, count - filled);
      out.set(piece, filled);
      filled += piece.length;
      this.#rest = this.#rest.subarray(piece.length);
    }
    this.position += count;
    return out;
  }
}
