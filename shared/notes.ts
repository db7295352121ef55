import { z } from 'zod';
import { actor, step } from './ids';

/** Where a note is pinned: always a step; optionally a chart, and a head or one cell of its map. */
export const anchor = z.strictObject({
  step,
  /** A series name. */
  chart: z.string().max(128).nullable(),
  /** Height on the chart, in the series' unit; left out or null = on the series' curve. */
  value: z.number().finite().nullable().optional(),
  head: z
    .strictObject({
      layer: z.int().nonnegative(),
      head: z.int().nonnegative(),
      cell: z.strictObject({ query: z.int().nonnegative(), key: z.int().nonnegative() }).nullable(),
    })
    .nullable(),
});
export type Anchor = z.infer<typeof anchor>;

export const noteId = z.string().regex(/^[A-Za-z0-9_-]{8,64}$/, 'id: 8 to 64 letters, digits, "_" or "-"');
/** In characters. */
export const longestNote = 4000;
export const noteText = z
  .string()
  .trim()
  .min(1, 'text: write something')
  .max(longestNote, `text: at most ${longestNote} characters`);

/** A request; the server adds its author. `id` is made by the sender, so a resend is harmless. */
export const noteRequest = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('add'), id: noteId, anchor, text: noteText, replyTo: noteId.nullable() }),
  /** `was`: the text that the writer saw; an edit of a text that has changed since is refused. */
  z.strictObject({ kind: z.literal('edit'), id: noteId, text: noteText, was: noteText.optional() }),
  z.strictObject({ kind: z.literal('resolve'), id: noteId, resolved: z.boolean() }),
  z.strictObject({ kind: z.literal('delete'), id: noteId }),
]);
export type NoteRequest = z.infer<typeof noteRequest>;

/** The log entry: requests are kept as sent, in order, with their author. */
export const noteEvent = z.strictObject({
  type: z.literal('note'),
  actor,
  note: noteRequest,
  /** State of the resolved or deleted note before the request; filled in by the server, left out by logs of version 0.1. */
  was: z.strictObject({ thread: z.boolean(), resolved: z.boolean(), replies: z.int().nonnegative() }).optional(),
});
export type NoteEvent = z.infer<typeof noteEvent>;
export type NoteBefore = NonNullable<NoteEvent['was']>;

export interface Note {
  /** Seq of its log entry. */
  seq: number;
  id: string;
  anchor: Anchor;
  text: string;
  replyTo: string | null;
  author: z.infer<typeof actor>;
  at: number;
  editedAt: number | null;
  resolved: boolean;
}

/** @returns why the request is refused, or null */
export function noteProblem(notes: readonly Note[], by: z.infer<typeof actor>, request: NoteRequest): string | null {
  const note = notes.find((n) => n.id === request.id);
  if (request.kind === 'add') {
    if (note) return `id: there is a note ${request.id} already`;
    if (request.replyTo !== null && !notes.some((n) => n.id === request.replyTo && n.replyTo === null))
      return `replyTo: there is no thread ${request.replyTo}`;
    return null;
  }
  if (!note) return `id: there is no note ${request.id}`;
  if (request.kind !== 'resolve' && note.author.id !== by.id && by.role !== 'admin')
    return `id: this note is ${note.author.name}'s`;
  if (request.kind === 'edit' && request.was !== undefined && ![request.was, request.text].includes(note.text))
    return 'was: the note was changed meanwhile; read it again before you change it';
  // Deleting a thread deletes its replies: refused when other people wrote some of them.
  const other =
    request.kind === 'delete' && by.role !== 'admin' && notes.find((n) => n.replyTo === note.id && n.author.id !== by.id);
  if (other) return `id: ${other.author.name} answered it; resolve the thread instead`;
  return null;
}
