/** Reads and writes archives for tests. */
import { extract, pack } from 'tar-stream';

export interface Member {
  name: string;
  bytes: Buffer;
}

export async function membersOf(archive: Uint8Array): Promise<Member[]> {
  const reading = extract();
  reading.end(archive);
  const members: Member[] = [];
  for await (const entry of reading) {
    const parts: Uint8Array[] = [];
    for await (const part of entry as AsyncIterable<Buffer>) parts.push(part);
    members.push({ name: entry.header.name, bytes: Buffer.concat(parts) });
  }
  return members;
}

export async function tarOf(members: readonly { name: string; bytes: Uint8Array }[]): Promise<Buffer> {
  const writing = pack();
  for (const { name, bytes } of members) writing.entry({ name }, Buffer.from(bytes));
  writing.finalize();
  const parts: Uint8Array[] = [];
  for await (const part of writing as AsyncIterable<Buffer>) parts.push(part);
  return Buffer.concat(parts);
}

/** The beginning of an archive whose first file has `bytes` bytes. */
export async function tarHead(name: string, bytes: number): Promise<Buffer> {
  const head = (await tarOf([{ name, bytes: new Uint8Array(0) }])).subarray(0, 512);
  // The length in octal, and the checksum over the header with spaces in its own eight bytes.
  head.write(`${bytes.toString(8).padStart(11, '0')}\0`, 124);
  head.write('        ', 148);
  head.write(
    `${head
      .reduce((sum, byte) => sum + byte, 0)
      .toString(8)
      .padStart(6, '0')}\0 `,
    148,
  );
  return head;
}
