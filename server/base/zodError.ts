import type { ZodError } from 'zod';

/** "buckets: give a number <= 4000, not 5000; ..." */
export const describeZodError = (error: ZodError): string =>
  error.issues
    // Of one field the first: what follows from a wrong kind says nothing new.
    .filter(({ path }, i, all) => all.findIndex((other) => other.path.join('.') === path.join('.')) === i)
    .map(({ path, message }) => {
      // Some messages already name their field.
      const named = path.length > 0 && message.startsWith(`${String(path.at(-1))}:`);
      if (named) return [...path.slice(0, -1), message].join('.');
      return path.length > 0 ? `${path.join('.')}: ${message}` : message;
    })
    .join('; ');

/** Path of the first invalid field. */
export function fieldOf(error: ZodError): string | null {
  const [issue] = error.issues;
  if (!issue) return null;
  return [...issue.path, ...(issue.code === 'unrecognized_keys' ? issue.keys.slice(0, 1) : [])].join('.') || null;
}
