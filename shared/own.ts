import { z } from 'zod';

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

/** A table whose every own key and value fits: z.record leaves `__proto__` out. The object itself is kept as it is. */
export const table = <V extends z.ZodType>(value: V, key: z.ZodType<string, string> = z.string()) =>
  z
    .custom<Table<z.infer<V>>>((v) => typeof v === 'object' && v !== null && !Array.isArray(v), 'an object is needed')
    .superRefine((given, context) => {
      for (const [name, entry] of Object.entries(given)) {
        for (const parsed of [key.safeParse(name), value.safeParse(entry)])
          for (const issue of parsed.error?.issues ?? [])
            context.addIssue({ code: 'custom', path: [name, ...issue.path], message: issue.message });
      }
    });
