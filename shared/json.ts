/**
 * JSON that keeps what training numbers need: NaN, infinities and typed arrays. Used for tRPC, stored entries and exports; sockets use
 * the same idea with the arrays outside the text (pack.ts).
 *
 * NaN -> {"$":"NaN"}; a Float64Array -> {"$f64":"<base64, little-endian>"}, likewise $f32, $i32, $u8.
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
  // A copy made so even when `bytes` is a Node Buffer, whose own slice() is a view into a larger pool.
  const aligned = new Uint8Array(bytes).buffer;
  return new type(aligned);
};

const bytesOf = (a: NumericArray) => new Uint8Array(a.buffer, a.byteOffset, a.byteLength);

/** Plain JSON data in which every special value is tagged; `array` decides where typed arrays go. */
export function tagged(value: unknown, array: (tag: Tag, bytes: Uint8Array) => unknown): unknown {
  if (typeof value === 'number') return Number.isFinite(value) ? value : { $: String(value) };
  if (typeof value !== 'object' || value === null) return value;
  const tag = tagOf(value);
  if (tag) return { [tag]: array(tag, bytesOf(value as NumericArray)) };
  if (Array.isArray(value)) return value.map((v) => tagged(v, array));
  const out: Record<string, unknown> = {};
  for (const [k, v] of Object.entries(value)) if (v !== undefined) out[k] = tagged(v, array);
  return out;
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
    const out = arrayOf(tag, array(payload));
    if (!out) throw new Error(`unknown tag "${tag}" in encoded data; known: $, ${Object.keys(arrays).join(', ')}`);
    return out;
  }
  const out: Record<string, unknown> = {};
  for (const k of keys) out[k] = untagged((value as Record<string, unknown>)[k], array);
  return out;
}

// Native where there is one: letter by letter, a range of 30 series x 4,000 buckets held the server up for 400 ms.
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

export const serialize = (value: unknown): unknown => tagged(value, (_tag, bytes) => toBase64(bytes));
export const deserialize = (value: unknown): unknown => untagged(value, fromBase64);
export const stringify = (value: unknown): string => JSON.stringify(serialize(value));
export const parse = (text: string): unknown => deserialize(JSON.parse(text));

/** tRPC's data transformer, the same on both sides. */
export const transformer = {
  serialize: (v: unknown) => (v === undefined ? undefined : serialize(v)),
  deserialize: (v: unknown) => (v === undefined ? undefined : deserialize(v)),
};
