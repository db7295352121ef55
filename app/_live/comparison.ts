/** Attention of two to four panes side by side: what each shows, and how they go together. Part of a page's link. */
import { z } from 'zod';
import { runId } from '~/shared/ids';

const place = z.int().nonnegative();
export const fewestPanes = 2;
export const mostPanes = 4;

export const paneSchema = z.strictObject({
  /** null = the run of the page. */
  run: runId.nullable(),
  /** `linked` goes where the common cursor goes, `newest` stays with the run's newest snapshot, a step stays there. */
  at: z.union([z.enum(['linked', 'newest']), z.strictObject({ step: place })]),
  source: z.union([z.strictObject({ example: place }), z.literal('mean')]),
  /** null = the whole grid. */
  head: z.strictObject({ layer: place, head: place }).nullable(),
});
export type Pane = z.infer<typeof paneSchema>;

export const paneAlignments = ['step', 'epoch', 'equal loss'] as const;
export const paneScales = ['unit', 'shared', 'lift'] as const;

export const comparisonSchema = z.strictObject({
  panes: z.array(paneSchema).min(fewestPanes).max(mostPanes),
  align: z.enum(paneAlignments),
  /** One for all panes. */
  scale: z.enum(paneScales),
  /** A pane's place minus another's, shown beside them. */
  minus: z.tuple([place, place]).nullable(),
  /**
   * The linked pane that was moved last, if it is not of the page's own run: its run and step, and where that took the page's cursor. Once the cursor stands
   * elsewhere, it leads again.
   */
  lead: z.strictObject({ run: runId, step: place, own: place }).nullable(),
});
export type Comparison = z.infer<typeof comparisonSchema>;

export const encodeComparison = (comparison: Comparison): string => JSON.stringify(comparison);

/** @returns null when the text is no comparison */
export function decodeComparison(text: string): Comparison | null {
  try {
    return comparisonSchema.safeParse(JSON.parse(text)).data ?? null;
  } catch {
    return null;
  }
}
