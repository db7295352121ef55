/** Reads the bodies of requests, and reports invalid ones, in the same way for every protocol. */

import type { IncomingMessage } from 'node:http';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import type { z } from 'zod';
import { describeZodError, fieldOf } from '~/server/base/zodError';
import { isDeep, MAX_LEVELS, tooDeep } from '~/shared/json';

/** A request that cannot be fulfilled: the message begins with the field that is wrong, if there is one. */
export class RequestError extends Error {
  override name = 'RequestError';
  constructor(
    readonly status: number,
    message: string,
    readonly field: string | null = null,
  ) {
    super(message);
  }
}

/** Most bytes of a body, unpacked; the same as for a message of a trainer. */
export const MAX_BODY_BYTES = 16 * 2 ** 20;

const tooLarge = (bytes: number | string, most = MAX_BODY_BYTES) =>
  new RequestError(413, `the body has ${bytes} bytes, at most ${most} are taken: send it in parts`);

/** The raw body. @throws RequestError 413 for one of more than `most` bytes */
export async function readBytes(request: IncomingMessage, most: number): Promise<Buffer> {
  const announced = Number(request.headers['content-length'] ?? 0);
  if (announced > most) throw tooLarge(announced, most);
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of request as AsyncIterable<Buffer>) {
    bytes += part.length;
    if (bytes > most) throw tooLarge(`more than ${most}`, most);
    parts.push(part);
  }
  return Buffer.concat(parts);
}

/** Without the byte order mark, which some writers put first. */
const utf8 = new TextDecoder('utf-8', { fatal: true });

/** @throws RequestError 413 for a body that is too large, 415 for an encoding that is not known here, 400 for a body that is not what it says */
export async function readBody(request: IncomingMessage): Promise<string> {
  const encoding = request.headers['content-encoding']?.trim().toLowerCase() ?? '';
  if (!['', 'identity', 'gzip', 'x-gzip'].includes(encoding))
    throw new RequestError(415, `content-encoding: send the body as it is or with gzip, not ${encoding}`, 'content-encoding');
  const whole = await readBytes(request, MAX_BODY_BYTES);
  const bytes = encoding.endsWith('gzip') || isGzip(whole) ? await unpacked(whole) : whole;
  try {
    return utf8.decode(bytes);
  } catch {
    throw new RequestError(400, 'the body is no UTF-8 text');
  }
}

/** What is sent without its header: no JSON begins so. */
const isGzip = (bytes: Buffer) => bytes[0] === 0x1f && bytes[1] === 0x8b;

async function unpacked(whole: Buffer): Promise<Buffer> {
  try {
    return await promisify(gunzip)(whole, { maxOutputLength: MAX_BODY_BYTES });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') throw tooLarge(`more than ${MAX_BODY_BYTES}`);
    throw new RequestError(400, 'the body is not what its content-encoding says (gzip)');
  }
}

/** Prefix of the text that represents a bare NaN or Infinity, which JSON lacks, so that a user's text "NaN" stays a text. */
const bare = '\u0000';
const special = /"(?:[^"\\]|\\.)*"|-?\bInfinity\b|\bNaN\b/g;

/**
 * Parses JSON text that may contain NaN, Infinity and -Infinity as Python writes them (read them with `numberOf`). @throws
 * SyntaxError
 */
export function readJson(text: string): unknown {
  const value = JSON.parse(
    /NaN|Infinity/.test(text)
      ? text.replace(special, (found) => (found.startsWith('"') ? found : JSON.stringify(bare + found)))
      : text,
  ) as unknown;
  // Counting the brackets is cheaper than walking through a large body.
  if (text.split(/[[{]/, MAX_LEVELS + 2).length === MAX_LEVELS + 2 && isDeep(value)) throw new SyntaxError(tooDeep);
  return value;
}

const names = new Map([
  ['NaN', Number.NaN],
  ['Infinity', Number.POSITIVE_INFINITY],
  ['-Infinity', Number.NEGATIVE_INFINITY],
]);

/** A number, with booleans as 0 and 1; null = not a number. @param asText the texts "NaN" and "Infinity" are numbers too */
export function numberOf(value: unknown, asText = true): number | null {
  if (typeof value === 'number') return value;
  if (typeof value === 'boolean') return Number(value);
  if (typeof value !== 'string') return null;
  return names.get(value.startsWith(bare) ? value.slice(1) : asText ? value : '') ?? null;
}

/** The value with its bare NaN and Infinity as texts, where plain JSON is required (a config). */
export function plain(value: unknown): unknown {
  if (typeof value === 'string') return value.startsWith(bare) ? value.slice(1) : value;
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(plain);
  return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, plain(v)]));
}

/** @param at position of the value, for the message: "3." or "" @throws RequestError naming the field */
export function parsed<T>(schema: z.ZodType<T>, value: unknown, at = ''): T {
  const read = schema.safeParse(value);
  if (read.success) return read.data;
  throw new RequestError(400, at + describeZodError(read.error), at + (fieldOf(read.error) ?? '') || null);
}
