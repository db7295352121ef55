import { z } from 'zod';
import { blobRef, exactName, step } from './ids';

/**
 * What a run shows besides numbers: samples (text, pictures, histograms, tables) at a step, and the output of its process.
 *
 * A sample's content is inline text, or a blob that is stored before the event: plain text, a picture (PNG, JPEG, GIF or WebP),
 * or JSON text of a `histogram` or `table`.
 */
export const mediaKinds = ['text', 'image', 'histogram', 'table'] as const;
export const mediaKind = z.enum(mediaKinds);
export type MediaKind = z.infer<typeof mediaKind>;

/** Characters of an inline text; a longer one is a blob. */
export const MAX_INLINE_CHARACTERS = 16 * 1024;

export const media = z
  .strictObject({
    type: z.literal('media'),
    step,
    /** What is sampled: samples with the same name show one thing over time. */
    name: exactName(512),
    kind: mediaKind,
    blob: blobRef.optional(),
    text: z.string().max(MAX_INLINE_CHARACTERS).optional(),
    caption: z.string().max(500).optional(),
  })
  .superRefine((event, context) => {
    const wrong = mediaError(event);
    if (wrong) context.addIssue({ code: 'custom', ...wrong });
  });
export type MediaEvent = z.infer<typeof media>;

function mediaError({
  kind,
  blob,
  text,
}: Pick<MediaEvent, 'kind' | 'blob' | 'text'>): { path: string[]; message: string } | null {
  if ((blob === undefined) === (text === undefined))
    return { path: ['blob'], message: 'blob: give either a blob or an inline text' };
  if (text === undefined || kind === 'text') return null;
  if (kind === 'image') return { path: ['text'], message: 'text: a picture is a blob' };
  const content = readStructured(kind, text);
  return content.ok ? null : { path: ['text'], message: `text: ${content.message}` };
}

const finite = z.number().finite();

/** `counts[i]` values lie between `edges[i]` and `edges[i + 1]`; the last edge belongs to the last bin. */
export const histogram = z
  .strictObject({ edges: z.array(finite).min(2).max(1025), counts: z.array(finite.nonnegative()).min(1).max(1024) })
  .refine((h) => h.edges.length === h.counts.length + 1, {
    path: ['counts'],
    message: 'a histogram of n counts needs n + 1 edges',
  })
  .refine((h) => h.edges.every((e, i) => i === 0 || e > h.edges[i - 1]!), {
    path: ['edges'],
    message: 'the edges of a histogram must ascend',
  });
export type Histogram = z.infer<typeof histogram>;

const cell = z.union([z.string().max(4096), z.number(), z.boolean(), z.null()]);

/** Every row has one cell per column. */
export const table = z
  .strictObject({ columns: z.array(z.string().max(512)).min(1).max(256), rows: z.array(z.array(cell)).max(10_000) })
  .refine((t) => t.rows.every((r) => r.length === t.columns.length), {
    path: ['rows'],
    message: 'every row of a table needs one cell per column',
  });
export type Table = z.infer<typeof table>;

/** Reads the JSON text of a histogram or table, or describes what is wrong with it. */
export function readStructured(kind: 'histogram', text: string): { ok: true; value: Histogram } | { ok: false; message: string };
export function readStructured(kind: 'table', text: string): { ok: true; value: Table } | { ok: false; message: string };
export function readStructured(
  kind: 'histogram' | 'table',
  text: string,
): { ok: true; value: Histogram | Table } | { ok: false; message: string };
export function readStructured(kind: 'histogram' | 'table', text: string) {
  let data: unknown;
  try {
    data = JSON.parse(text);
  } catch {
    return { ok: false, message: `the ${kind} is not JSON text` } as const;
  }
  const parsed = (kind === 'histogram' ? histogram : table).safeParse(data);
  if (parsed.success) return { ok: true, value: parsed.data } as const;
  const { path, message } = parsed.error.issues[0]!;
  return { ok: false, message: path.length > 0 ? `${path.join('.')}: ${message}` : message } as const;
}

/** Characters of one console event; a sender splits longer output. */
export const MAX_CONSOLE_CHARACTERS = 16 * 1024;

/**
 * Output of the run's process. The server keeps the newest `CONSOLE_BYTES` of a run: older texts are emptied, their entries stay.
 */
export const consoleEvent = z.strictObject({
  type: z.literal('console'),
  stream: z.enum(['out', 'err']),
  text: z.string().max(MAX_CONSOLE_CHARACTERS),
});
export type ConsoleEvent = z.infer<typeof consoleEvent>;

/** UTF-8 bytes of console output kept of a run. */
export const CONSOLE_BYTES = 2 * 2 ** 20;

export interface ConsoleQuery {
  runId: string;
  /** Parts before (or after) this seq; null: the newest. */
  before: number | null;
  after: number | null;
  /** Only parts that contain this text, in any case; '' = all. */
  search: string;
  limit: number;
}

export interface ConsolePart {
  seq: number;
  at: number;
  stream: ConsoleEvent['stream'];
  text: string;
}

/** In the order of the log. `more`: there are further parts in the requested direction. */
export interface ConsoleAnswer {
  parts: ConsolePart[];
  more: boolean;
}

/** Selects from the kept parts, oldest first, those that a query asks for. */
export function choose(parts: readonly ConsolePart[], { before, after, search, limit }: ConsoleQuery): ConsoleAnswer {
  const wanted = search.toLowerCase();
  const fitting = parts.filter(
    ({ seq, text }) =>
      (before === null || seq < before) &&
      (after === null || seq > after) &&
      (wanted === '' || text.toLowerCase().includes(wanted)),
  );
  const chosen = after === null ? fitting.slice(-limit) : fitting.slice(0, limit);
  return { parts: chosen, more: chosen.length < fitting.length };
}

/** The newest sample of each name at a step (null = now), in the order of their names. @param items in the order of the log */
export function samplesAt<M extends { name: string; step: number }>(items: readonly M[], step: number | null): M[] {
  const shown = new Map(items.filter((m) => step === null || m.step <= step).map((m) => [m.name, m]));
  return [...shown.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
}
