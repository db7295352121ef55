// The schemas say in plain words what does not fit; every one of them takes something from here.
import './plainErrors';
import { z } from 'zod';
import { runIdPattern } from './paths';

/** A name that people choose. Half of a surrogate pair is refused: neither UTF-8 nor the store can hold it. */
export const chosenName = (most: number, empty?: string) =>
  z.string().trim().min(1, empty).max(most).refine(isWhole, halfCharacter);

/** The same where blanks at the ends belong to the name. */
export const exactName = (most: number) => z.string().min(1).max(most).refine(isWhole, halfCharacter);

/** What nobody sees, but turns the direction of reading or makes two names look alike. Joiners stay: emoji and Persian need them. */
const unseen = /[\p{Cc}\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff]/gu;

export const withoutUnseen = (text: string): string => text.replace(unseen, '');

/** Why a name cannot be given; null = it can. Names that are stored already may be older than this rule. */
export function unseenIn(name: string): string | null {
  const found = name.match(unseen)?.[0]?.charCodeAt(0);
  if (found === undefined) return null;
  return `it contains the invisible character U+${found.toString(16).toUpperCase().padStart(4, '0')}; leave it out`;
}

/** Refuses these characters in a name that somebody gives now. @param field stands before the message, where nothing else names it */
export const seen = (name: z.ZodString, field = ''): z.ZodString =>
  name.refine((text) => unseenIn(text) === null, { error: ({ input }) => field + unseenIn(input as string) });

const isWhole = (text: string): boolean => !/[\ud800-\udfff]/u.test(text);
const halfCharacter = 'it contains half a character (a surrogate without its pair)';

/** A run's id in URLs and keys: made by the server, lower-case letters and digits. */
export const runId = z.string().regex(runIdPattern, 'the id of a run has 6 to 32 lower-case letters or digits');
export type RunId = z.infer<typeof runId>;

/** A command's identity, made by the sender (nanoid): a resend with the same id is harmless. */
export const commandId = z.string().regex(/^[A-Za-z0-9_-]{8,64}$/, 'id: 8 to 64 letters, digits, "_" or "-"');
export type CommandId = z.infer<typeof commandId>;

/** SHA-256 of a blob's bytes, in lower-case hex: its address, so a blob never changes. */
export const blobHash = z.string().regex(/^[0-9a-f]{64}$/, 'hash: 64 lower-case hex digits (SHA-256)');
export type BlobHash = z.infer<typeof blobHash>;

export const blobRef = z.strictObject({ hash: blobHash, bytes: z.int().nonnegative() });
export type BlobRef = z.infer<typeof blobRef>;

/**
 * How far training is: as a rule optimizer updates, counted from 0; a script may count otherwise (tokens, frames), so any safe
 * integer is a step. An event "at step s" is about the parameters after s updates.
 */
export const step = z.int();
/** A log entry's position: gapless per run, from 1, assigned by the server alone. */
export const seq = z.int().positive();
/**
 * One trainer's attempt at a run; the next one gets a higher number, and the store refuses writes with a lower one. 0 = no
 * trainer yet.
 */
export const attempt = z.int().nonnegative();

export const role = z.enum(['viewer', 'operator', 'admin', 'trainer', 'system']);
export type Role = z.infer<typeof role>;

/** Who did it. Always filled in by the server; an author sent by a client is ignored. */
export const actor = z.strictObject({ id: z.string().min(1).max(64), name: z.string().min(1).max(80), role });
export type Actor = z.infer<typeof actor>;
