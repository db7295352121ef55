/**
 * Tables keyed by names that people choose: `__proto__` and `constructor` are names like any other, and inherited properties are
 * never read.
 */
export type Table<T> = Record<string, T>;

/** Value of a name; undefined when the table has no such own key. */
export const own = <T>(table: Readonly<Table<T>>, name: string): T | undefined =>
  Object.hasOwn(table, name) ? table[name] : undefined;

/** Whether a value is an object with named values: no list, not null. */
export const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Sets the value of a name: plain assignment to `__proto__` would change the table's prototype instead. */
export function put<T>(table: Table<T>, name: string, value: T): void {
  if (name === '__proto__') Object.defineProperty(table, name, { value, writable: true, enumerable: true, configurable: true });
  else table[name] = value;
}
