/** Attention in two to four panes side by side: what each pane shows, and how the panes are linked. Part of a page's link. */
import * as z from 'zod/mini';
import { runIdPattern } from '~/shared/paths';
import { parsed } from './kept';

export const place = z.int().check(z.nonnegative());
export const runId = z.string().check(z.regex(runIdPattern));
const step = z.int();
export const fewestPanes = 2;
export const mostPanes = 4;

export const paneSchema = z.strictObject({
  /** null = the run of the page. */
  run: z.nullable(runId),
  /** `linked` follows the common cursor, `newest` follows the run's newest snapshot, a step stays fixed. */
  at: z.union([z.enum(['linked', 'newest']), z.strictObject({ step })]),
  source: z.union([z.strictObject({ example: place }), z.literal('mean')]),
  /** null = the whole grid. */
  head: z.nullable(z.strictObject({ layer: place, head: place })),
});
export type Pane = z.infer<typeof paneSchema>;

export const paneAlignments = ['step', 'epoch', 'equal loss'] as const;
export const paneScales = ['unit', 'shared', 'lift'] as const;

export const comparisonSchema = z.strictObject({
  panes: z.array(paneSchema).check(z.minLength(fewestPanes), z.maxLength(mostPanes)),
  align: z.enum(paneAlignments),
  /** One scale for all panes. */
  scale: z.enum(paneScales),
  /** Indices of two panes whose difference is shown as well. */
  minus: z.nullable(z.tuple([place, place])),
  /**
   * The linked pane that was moved last, if it shows another run than the page's: its run and step, and the page's own step that
   * this led to. When the cursor moves to another step, it leads again.
   */
  lead: z.nullable(z.strictObject({ run: runId, step, own: step })),
});
export type Comparison = z.infer<typeof comparisonSchema>;

export const encodeComparison = (comparison: Comparison): string => JSON.stringify(comparison);

/** @returns null when the text is not a valid comparison */
export const decodeComparison = (text: string): Comparison | null => comparisonSchema.safeParse(parsed(text)).data ?? null;
