import type { ZodError } from 'zod';

/** "buckets: Too big: expected number to be <=4000; ..." */
export const describeZodError = (error: ZodError): string =>
  error.issues
    .map(({ path, message }) => {
      // Some messages already name their field.
      const named = path.length > 0 && message.startsWith(`${String(path.at(-1))}:`) ? path.slice(0, -1) : path;
      return named.length > 0 ? `${named.join('.')}: ${message}` : message;
    })
    .join('; ');

/** Path of the first invalid field. */
export const fieldOf = (error: ZodError): string | null => error.issues[0]?.path.join('.') || null;
