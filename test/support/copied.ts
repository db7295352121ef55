import { put } from '~/shared/own';

/** A deep copy of plain data: objects, arrays and typed arrays. What structuredClone gives, many times faster for small messages. */
export function copied<T>(value: T): T {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(copied) as T;
  const prototype = Object.getPrototypeOf(value);
  if (prototype === Uint8Array.prototype || prototype === Float64Array.prototype)
    return (value as unknown as Float64Array).slice() as T;
  if (prototype !== Object.prototype && prototype !== null) return structuredClone(value);
  const copy: Record<string, unknown> = {};
  for (const key in value) put(copy, key, copied<unknown>(value[key]));
  return copy as T;
}
