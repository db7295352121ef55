/**
 * The safetensors format: 8 bytes length (little-endian u64), a JSON header of that length, then raw little-endian tensors.
 * Source: https://github.com/huggingface/safetensors#format. Pure: bytes in, typed arrays out; runs in a browser too.
 */

const scalarBytes = { F64: 8, F32: 4, F16: 2, BF16: 2, I64: 8, I32: 4, U8: 1 } as const;
export type Dtype = keyof typeof scalarBytes;

/** F16 and BF16 are widened to f32 when read and cannot be written. */
export type TensorData = Float64Array | Float32Array | BigInt64Array | Int32Array | Uint8Array;

export interface StoredTensor {
  /** The dtype in the file. */
  dtype: Dtype;
  shape: number[];
  /** Row-major, product(shape) elements. */
  data: TensorData;
}

export interface TensorFile {
  tensors: Map<string, StoredTensor>;
  metadata: Record<string, string>;
}

/** The bytes are not a whole, well-formed safetensors file; the message says where and why. */
export class SafetensorsError extends Error {
  override name = 'SafetensorsError';
}

/** The reference implementation's limit: a file with a longer header is no safetensors file. */
const maxHeaderBytes = 100_000_000;

interface HeaderEntry {
  dtype: Dtype;
  shape: number[];
  start: number;
  end: number;
}

const isCount = (v: unknown): v is number => typeof v === 'number' && Number.isSafeInteger(v) && v >= 0;

function parseEntry(name: string, value: unknown): HeaderEntry {
  const fail = (why: string): never => {
    throw new SafetensorsError(`tensor "${name}": ${why}`);
  };
  if (typeof value !== 'object' || value === null) return fail('its header entry is not an object');
  const { dtype, shape, data_offsets: offsets } = value as Record<string, unknown>;
  if (typeof dtype !== 'string' || !Object.hasOwn(scalarBytes, dtype))
    return fail(`dtype ${JSON.stringify(dtype)} is not one of ${Object.keys(scalarBytes).join(', ')}`);
  if (!Array.isArray(shape) || !shape.every(isCount)) return fail(`shape ${JSON.stringify(shape)} is not a list of sizes`);
  if (!Array.isArray(offsets) || offsets.length !== 2 || !offsets.every(isCount))
    return fail(`data_offsets ${JSON.stringify(offsets)} is not [start, end]`);
  const [start, end] = offsets as [number, number];
  const needed = shape.reduce((n, d) => n * d, 1) * scalarBytes[dtype as Dtype];
  if (!Number.isSafeInteger(needed) || end - start !== needed)
    return fail(`shape [${shape.join(', ')}] of ${dtype} needs ${needed} bytes, data_offsets give ${end - start}`);
  return { dtype: dtype as Dtype, shape: [...shape], start, end };
}

function parseHeader(bytes: Uint8Array): { header: Record<string, unknown>; dataStart: number } {
  if (bytes.length < 8) throw new SafetensorsError(`not a safetensors file: ${bytes.length} bytes, at least 8 are needed`);
  const length = new DataView(bytes.buffer, bytes.byteOffset, 8).getBigUint64(0, true);
  if (length > BigInt(maxHeaderBytes))
    throw new SafetensorsError('not a safetensors file: its first 8 bytes are no plausible header length');
  const dataStart = 8 + Number(length);
  if (dataStart > bytes.length)
    throw new SafetensorsError(
      `truncated or not a safetensors file: the header needs ${dataStart} bytes, the file has ${bytes.length}`,
    );
  let header: unknown;
  try {
    header = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes.subarray(8, dataStart)));
  } catch {
    throw new SafetensorsError('not a safetensors file, or corrupt: the header is not JSON in UTF-8');
  }
  if (typeof header !== 'object' || header === null || Array.isArray(header))
    throw new SafetensorsError('not a safetensors file, or corrupt: the header is not a JSON object');
  return { header: header as Record<string, unknown>, dataStart };
}

function parseMetadata(value: unknown): Record<string, string> {
  if (value === undefined) return {};
  if (typeof value !== 'object' || value === null || !Object.values(value).every((v) => typeof v === 'string'))
    throw new SafetensorsError('corrupt header: __metadata__ is not a map of strings');
  return { ...(value as Record<string, string>) };
}

/**
 * Reads a whole file. Every tensor is a view into `bytes` where alignment allows, else a copy: do not change `bytes` afterwards.
 * @param part `bytes` is the beginning of the file: tensors that are not wholly inside it are left out
 * @throws SafetensorsError when the file has another format, or is truncated or corrupt: bad lengths, gaps, overlaps, sizes that
 *   do not add up
 */
export function parseSafetensors(bytes: Uint8Array, part: 'whole' | 'beginning' = 'whole'): TensorFile {
  const { header, dataStart } = parseHeader(bytes);
  const metadata = parseMetadata(header.__metadata__);
  const entries = Object.entries(header)
    .filter(([name]) => name !== '__metadata__')
    .map(([name, value]) => [name, parseEntry(name, value)] as const);

  // The tensors must tile the data exactly, as the reference implementation demands: no gap in which data could hide.
  let at = 0;
  for (const [name, e] of [...entries].sort((a, b) => a[1].start - b[1].start || a[1].end - b[1].end)) {
    if (e.start !== at) throw new SafetensorsError(`tensor "${name}": starts at byte ${e.start} of the data, expected ${at}`);
    at = e.end;
  }
  const available = bytes.length - dataStart;
  if (at > available && part === 'whole')
    throw new SafetensorsError(`truncated: the tensors need ${at} bytes, the file has ${available} after its header`);
  if (at < available) throw new SafetensorsError(`corrupt: ${available - at} bytes follow the last tensor`);

  const tensors = new Map<string, StoredTensor>();
  for (const [name, e] of entries) {
    if (e.end > available) continue;
    const raw = bytes.subarray(dataStart + e.start, dataStart + e.end);
    tensors.set(name, { dtype: e.dtype, shape: e.shape, data: decode(e.dtype, raw) });
  }
  return { tensors, metadata };
}

function decode(dtype: Dtype, raw: Uint8Array): TensorData {
  const size = scalarBytes[dtype];
  const aligned = raw.byteOffset % size === 0 ? raw : new Uint8Array(raw);
  const count = raw.length / size;
  switch (dtype) {
    case 'F64':
      return new Float64Array(aligned.buffer, aligned.byteOffset, count);
    case 'F32':
      return new Float32Array(aligned.buffer, aligned.byteOffset, count);
    case 'I64':
      return new BigInt64Array(aligned.buffer, aligned.byteOffset, count);
    case 'I32':
      return new Int32Array(aligned.buffer, aligned.byteOffset, count);
    case 'U8':
      return raw;
    case 'BF16': {
      // bf16 is the upper half of an f32.
      const half = new Uint16Array(aligned.buffer, aligned.byteOffset, count);
      return new Float32Array(Uint32Array.from(half, (h) => h << 16).buffer);
    }
    case 'F16':
      return widened(new Uint16Array(aligned.buffer, aligned.byteOffset, count));
  }
}

let singles: Float32Array | null = null;

/** By lookup table: a million weights take 2 ms. */
function widened(halves: Uint16Array): Float32Array {
  singles ??= Float32Array.from({ length: 2 ** 16 }, (_, h) => halfToSingle(h));
  const out = new Float32Array(halves.length);
  for (let i = 0; i < out.length; i++) out[i] = singles[halves[i]!]!;
  return out;
}

/** IEEE 754 binary16: 1 sign, 5 exponent, 10 fraction bits. */
export function halfToSingle(h: number): number {
  const sign = h & 0x8000 ? -1 : 1;
  const exponent = (h >> 10) & 0x1f;
  const fraction = h & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 0x1f) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

function dtypeOf(data: TensorData): Dtype {
  if (data instanceof Float64Array) return 'F64';
  if (data instanceof Float32Array) return 'F32';
  if (data instanceof BigInt64Array) return 'I64';
  if (data instanceof Int32Array) return 'I32';
  return 'U8';
}

type NamedTensor = readonly [string, { shape: readonly number[]; data: TensorData }];

/**
 * Writes tensors in the order given; the dtype follows from the array's type. The header is padded so that the data is 8-byte aligned.
 * @throws RangeError when a shape does not fit its data, or the header would exceed what readers accept
 */
export function serializeSafetensors(tensors: Iterable<NamedTensor>, metadata: Record<string, string> = {}): Uint8Array {
  const list = [...tensors];
  return beginningOf(list, metadata, list.length);
}

/** The beginning of the same file, up to the end of its first `count` tensors, header included. @throws RangeError as above */
export function beginningOf(list: readonly NamedTensor[], metadata: Record<string, string>, count: number): Uint8Array {
  // 8-byte scalars first would keep every tensor aligned too, but a file that lists tensors in the caller's order is easier to read.
  const header: Record<string, unknown> = Object.keys(metadata).length > 0 ? { __metadata__: metadata } : {};
  let at = 0;
  for (const [name, { shape, data }] of list) {
    const count = shape.reduce((n, d) => n * d, 1);
    if (count !== data.length)
      throw new RangeError(`tensor "${name}": shape [${shape.join(', ')}] holds ${count} elements, data has ${data.length}`);
    if (name === '__metadata__' || Object.hasOwn(header, name)) throw new RangeError(`tensor "${name}": the name is taken`);
    header[name] = { dtype: dtypeOf(data), shape: [...shape], data_offsets: [at, at + data.byteLength] };
    at += data.byteLength;
  }
  const text = new TextEncoder().encode(JSON.stringify(header));
  const headerBytes = Math.ceil(text.length / 8) * 8;
  if (headerBytes > maxHeaderBytes) throw new RangeError(`the header has ${headerBytes} bytes, readers accept ${maxHeaderBytes}`);
  const first = list.slice(0, count);
  const bytes = new Uint8Array(8 + headerBytes + first.reduce((n, [, { data }]) => n + data.byteLength, 0));
  new DataView(bytes.buffer).setBigUint64(0, BigInt(headerBytes), true);
  bytes.fill(0x20, 8, 8 + headerBytes);
  bytes.set(text, 8);
  let offset = 8 + headerBytes;
  for (const [, { data }] of first) {
    bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), offset);
    offset += data.byteLength;
  }
  return bytes;
}
