/** Tables keyed by names that people choose: `__proto__` and `constructor` are names like any other, and nothing inherited is ever an answer. */
export type Table<T> = Record<string, T>;

/** Value of a name; undefined when the table does not have it itself. */
export const own = <T>(table: Readonly<Table<T>>, name: string): T | undefined =>
  Object.hasOwn(table, name) ? table[name] : undefined;

/** Gives a name a value: plain assignment to `__proto__` would change the table's prototype instead. */
export function put<T>(table: Table<T>, name: string, value: T): void {
  if (name === '__proto__') Object.defineProperty(table, name, { value, writable: true, enumerable: true, configurable: true });
  else table[name] = value;
}
