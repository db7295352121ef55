import { z } from 'zod';
import { isObject, type Table } from './own';

/**
 * A table whose own keys and values are all checked: z.record leaves `__proto__` out. The object itself is returned unchanged.
 */
export const table = <V extends z.ZodType>(value: V, key: z.ZodType<string, string> = z.string()) =>
  z.custom<Table<z.infer<V>>>(isObject, 'an object is needed').superRefine((given, context) => {
    for (const [name, entry] of Object.entries(given)) {
      for (const parsed of [key.safeParse(name), value.safeParse(entry)])
        for (const issue of parsed.error?.issues ?? [])
          context.addIssue({ code: 'custom', path: [name, ...issue.path], message: issue.message });
    }
  });
