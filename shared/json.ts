import { put } from './own';

/**
 * JSON that keeps what training numbers need: NaN, infinities and typed arrays. Used for tRPC, stored entries and exports;
 * sockets use the same idea with the arrays outside the text (pack.ts).
 *
 * NaN -> {"$":"NaN"}; a Float64Array -> {"$f64":"<base64, little-endian>"}, likewise $f32, $i32, $u8. An array that occurs
 * several times is written once: {"$f64":2} means the bytes of the third array in the text. An object whose only key begins with
 * "$" -> {"$object":[key, value]}.
 */
const arrays = { $f64: Float64Array, $f32: Float32Array, $i32: Int32Array, $u8: Uint8Array } as const;
type Tag = keyof typeof arrays;
export type NumericArray = InstanceType<(typeof arrays)[Tag]>;

export const tagOf = (value: unknown): Tag | null => {
  if (value instanceof Float64Array) return '$f64';
  if (value instanceof Float32Array) return '$f32';
  if (value instanceof Int32Array) return '$i32';
  if (value instanceof Uint8Array) return '$u8';
  return null;
};

export const arrayOf = (tag: string, bytes: Uint8Array): NumericArray | null => {
  const type = arrays[tag as Tag];
  if (!type) return null;
  // This also copies when `bytes` is a Node Buffer, whose own slice() is a view into a larger pool.
  const aligned = new Uint8Array(bytes).buffer;
  return new type(aligned);
};

const bytesOf = (a: NumericArray) => new Uint8Array(a.buffer, a.byteOffset, a.byteLength);

/** Plain JSON data in which every special value is tagged; `array` decides where typed arrays go. */
export function tagged(value: unknown, array: (tag: Tag, bytes: Uint8Array, source: NumericArray) => unknown): unknown {
  if (typeof value === 'number') return Number.isFinite(value) ? value : { $: String(value) };
  if (typeof value !== 'object' || value === null) return value;
  const tag = tagOf(value);
  if (tag) return { [tag]: array(tag, bytesOf(value as NumericArray), value as NumericArray) };
  if (Array.isArray(value)) return value.map((v) => tagged(v, array));
  const out: Record<string, unknown> = {};
  let keys = 0;
  let only = '';
  for (const [k, v] of Object.entries(value)) {
    if (v === undefined) continue;
    put(out, k, tagged(v, array));
    keys++;
    only = k;
  }
  return keys === 1 && only.startsWith('$') ? { $object: [only, out[only]] } : out;
}

/** The inverse of `tagged`. */
export function untagged(value: unknown, array: (payload: unknown) => Uint8Array): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map((v) => untagged(v, array));
  const keys = Object.keys(value);
  if (keys.length === 1 && keys[0]!.startsWith('$')) {
    const tag = keys[0]!;
    const payload = (value as Record<string, unknown>)[tag];
    if (tag === '$') return Number(payload);
    if (tag === '$object' && Array.isArray(payload)) {
      const out: Record<string, unknown> = {};
      put(out, String(payload[0]), untagged(payload[1], array));
      return out;
    }
    const out = arrayOf(tag, array(payload));
    if (!out) throw new Error(`unknown tag "${tag}" in encoded data; known: $, ${Object.keys(arrays).join(', ')}`);
    return out;
  }
  const out: Record<string, unknown> = {};
  for (const k of keys) put(out, k, untagged((value as Record<string, unknown>)[k], array));
  return out;
}

// Native functions where they exist: decoding by character, a range of 30 series x 4,000 buckets blocked the server for 400 ms.
const native = globalThis as {
  Buffer?: { from(data: ArrayBufferLike, at: number, length: number): { toString(encoding: 'base64'): string } };
  Uint8Array: { fromBase64?: (text: string) => Uint8Array };
};

function toBase64(bytes: Uint8Array): string {
  if (native.Buffer) return native.Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64');
  let text = '';
  for (let i = 0; i < bytes.length; i += 0x8000) text += String.fromCharCode(...bytes.subarray(i, i + 0x8000));
  return btoa(text);
}

/** @throws Error when the text is not base64 */
function fromBase64(payload: unknown): Uint8Array {
  if (typeof payload !== 'string') throw new Error('encoded array: base64 text is needed');
  if (native.Uint8Array.fromBase64) return native.Uint8Array.fromBase64(payload);
  const text = atob(payload);
  const out = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) out[i] = text.charCodeAt(i);
  return out;
}

export function serialize(value: unknown): unknown {
  const written = new Map<NumericArray, number>();
  return tagged(value, (_tag, bytes, source) => {
    const known = written.get(source);
    if (known !== undefined) return known;
    written.set(source, written.size);
    return toBase64(bytes);
  });
}

export function deserialize(value: unknown): unknown {
  const read: Uint8Array[] = [];
  return untagged(value, (payload) => {
    if (typeof payload !== 'number') {
      const bytes = fromBase64(payload);
      read.push(bytes);
      return bytes;
    }
    const bytes = read[payload];
    if (!bytes) throw new Error(`encoded array: it is said to be array ${payload} of ${read.length} read so far`);
    return bytes;
  });
}

export const stringify = (value: unknown): string => JSON.stringify(serialize(value));
export const parse = (text: string): unknown => deserialize(JSON.parse(text));

/** Levels of lists and objects that are taken from outside: whatever walks through a value calls itself at each of them. */
export const MAX_LEVELS = 100;
export const tooDeep = `it is nested deeper than the ${MAX_LEVELS} levels that are taken`;

export function isDeep(value: unknown): boolean {
  const nested = (one: unknown): one is object => typeof one === 'object' && one !== null;
  let level = [value].filter(nested);
  for (let depth = 0; depth < MAX_LEVELS && level.length > 0; depth++)
    level = level.flatMap((one) => Object.values(one) as unknown[]).filter(nested);
  return level.length > 0;
}

/** tRPC's data transformer, the same on both sides. */
export const transformer = {
  serialize: (v: unknown) => (v === undefined ? undefined : serialize(v)),
  deserialize: (v: unknown) => (v === undefined ? undefined : deserialize(v)),
};
