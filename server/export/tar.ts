/** Tar (ustar), as much of it as a `.headroom` file needs: regular files with short names. */

const BLOCK = 512;
const padding = (bytes: number): number => (BLOCK - (bytes % BLOCK)) % BLOCK;

export function tarHeader(name: string, bytes: number): Uint8Array {
  const header = Buffer.alloc(BLOCK);
  if (Buffer.byteLength(name) > 100) throw new RangeError(`tar: the name "${name}" is longer than 100 bytes`);
  const octal = (value: number, width: number) => `${value.toString(8).padStart(width - 1, '0')}\0`;
  header.write(name, 0);
  header.write(octal(0o644, 8), 100);
  header.write(octal(0, 8), 108);
  header.write(octal(0, 8), 116);
  header.write(octal(bytes, 12), 124);
  header.write(octal(0, 12), 136);
  header.write('        ', 148);
  header.write('0', 156);
  header.write('ustar\x0000', 257, 'latin1');
  header.write(`${sum(header).toString(8).padStart(6, '0')}\0 `, 148);
  return header;
}

export const tarPadding = (bytes: number): Uint8Array => new Uint8Array(padding(bytes));
export const tarEnd = (): Uint8Array => new Uint8Array(2 * BLOCK);

const sum = (header: Uint8Array): number => header.reduce((s, byte) => s + byte, 0);

export interface TarMember {
  name: string;
  bytes: number;
  /** To be read to its end before the next member is asked for; what is left unread is skipped. */
  body: AsyncGenerator<Uint8Array>;
}

/** @throws Error that says where the archive is broken */
export async function* readTar(input: AsyncIterable<Uint8Array>): AsyncGenerator<TarMember> {
  const source = input[Symbol.asyncIterator]();
  let held: Uint8Array = new Uint8Array(0);
  let at = 0;

  async function more(): Promise<void> {
    const { value, done } = await source.next();
    if (done) throw new Error(`the archive ends at byte ${at}, in the middle of a member`);
    held = held.length === 0 ? value : Buffer.concat([held, value]);
  }
  async function* take(bytes: number): AsyncGenerator<Uint8Array> {
    for (let left = bytes; left > 0; ) {
      if (held.length === 0) await more();
      const part = held.subarray(0, left);
      held = held.subarray(part.length);
      left -= part.length;
      at += part.length;
      yield part;
    }
  }
  async function whole(bytes: number): Promise<Buffer> {
    const parts: Uint8Array[] = [];
    for await (const part of take(bytes)) parts.push(part);
    return Buffer.concat(parts);
  }

  try {
    for (;;) {
      const header = await whole(BLOCK);
      if (header.every((byte) => byte === 0)) return;
      const text = (from: number, to: number) => header.toString('latin1', from, to).replace(/\0.*$/s, '');
      const checksum = Number.parseInt(text(148, 156), 8);
      header.fill(0x20, 148, 156);
      if (sum(header) !== checksum) throw new Error(`byte ${at - BLOCK} of the archive should begin a member and does not`);
      const bytes = Number.parseInt(text(124, 136), 8);
      if (!(bytes >= 0)) throw new Error(`byte ${at - BLOCK} of the archive: the length of its member cannot be read`);
      let left = bytes;
      const body = (async function* () {
        for await (const part of take(bytes)) {
          left -= part.length;
          yield part;
        }
      })();
      yield { name: text(0, 100), bytes, body };
      await body.return(undefined);
      for await (const _ of take(left + padding(bytes)));
    }
  } finally {
    await source.return?.();
  }
}
