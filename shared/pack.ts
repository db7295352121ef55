import { tagged, untagged } from './json';

/**
 * One message as one binary buffer: JSON text, then the bytes of its typed arrays. socket.io sends it as a single attachment, so
 * step rows are sent as raw doubles.
 *
 * Layout, little-endian: u32 magic "HRM1" | u32 textBytes | text, padded with spaces to a multiple of 8 | arrays, each padded to
 * 8. In the text an array is {"$f64":[offset, byteLength]}, offset counted from the first array byte.
 */
const MAGIC = 0x314d5248;

export function pack(value: unknown): Uint8Array<ArrayBuffer> {
  const blobs: Uint8Array[] = [];
  let size = 0;
  const written = new Map<unknown, [number, number]>();
  const data = tagged(value, (_tag, bytes, source) => {
    const known = written.get(source);
    if (known) return known;
    const at = size;
    written.set(source, [at, bytes.length]);
    blobs.push(bytes);
    size += Math.ceil(bytes.length / 8) * 8;
    return [at, bytes.length];
  });
  const raw = new TextEncoder().encode(JSON.stringify(data));
  const textBytes = Math.ceil(raw.length / 8) * 8;
  const out = new Uint8Array(8 + textBytes + size);
  const view = new DataView(out.buffer);
  view.setUint32(0, MAGIC, true);
  view.setUint32(4, textBytes, true);
  out.set(raw, 8);
  out.fill(0x20, 8 + raw.length, 8 + textBytes);
  let at = 8 + textBytes;
  for (const b of blobs) {
    out.set(b, at);
    at += Math.ceil(b.length / 8) * 8;
  }
  return out;
}

/** @throws Error when the buffer is not a packed message or an array lies outside it. The result is unchecked data: parse it with its schema. */
export function unpack(input: ArrayBuffer | Uint8Array): unknown {
  const bytes = input instanceof Uint8Array ? input : new Uint8Array(input);
  if (bytes.length < 8) throw new Error(`packed message: ${bytes.length} bytes are too few`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.getUint32(0, true) !== MAGIC) throw new Error('packed message: wrong first bytes');
  const textBytes = view.getUint32(4, true);
  if (8 + textBytes > bytes.length) throw new Error(`packed message: text of ${textBytes} bytes in a message of ${bytes.length}`);
  const arraysAt = 8 + textBytes;
  return untagged(JSON.parse(new TextDecoder().decode(bytes.subarray(8, arraysAt))), (payload) => {
    const [at, length] = Array.isArray(payload) ? payload : [];
    if (!Number.isInteger(at) || !Number.isInteger(length) || at < 0 || length < 0 || arraysAt + at + length > bytes.length)
      throw new Error(`packed message: array at ${JSON.stringify(payload)} lies outside its ${bytes.length} bytes`);
    return bytes.subarray(arraysAt + at, arraysAt + at + length);
  });
}
