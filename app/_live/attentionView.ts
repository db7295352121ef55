/** The choices of the attention workspace: one per tab, part of the page's link. */
import { z } from 'zod';
import { runId } from '~/shared/ids';
import { comparisonSchema } from './comparison';
import { parsed } from './kept';
import { useSelected } from './select';
import { createStore, type Store } from './store';

const place = z.int().nonnegative();
const cellPlace = place.nullable();
const share = z.number().min(0).max(1);

export const attentionViewSchema = z.strictObject({
  /** Whose maps: one probe example, or the mean or spread (standard deviation) over all of them. */
  source: z.union([z.strictObject({ example: place }), z.enum(['mean', 'spread'])]).default({ example: 0 }),
  /** Only for sets: averages put the odd item of every example last first. */
  byRole: z.boolean().default(true),
  /** `auto`: 0 to 1 as long as weights of uniform attention are visible on that scale, otherwise up to the shared maximum. */
  scale: z.enum(['auto', 'unit', 'shared', 'head', 'lift']).default('auto'),
  palette: z.enum(['viridis', 'cividis', 'gray']).default('viridis'),
  /** What is subtracted: nothing, the first or previous snapshot, one at a step, a head of the same one, or another run. */
  reference: z
    .union([
      z.enum(['first', 'previous']),
      z.strictObject({ step: place }),
      z.strictObject({ layer: place, head: place }),
      z.strictObject({ run: runId }),
    ])
    .nullable()
    .default(null),
  /** "layer.head", counted from 0. */
  hidden: z
    .array(z.string().regex(/^\d+\.\d+$/))
    .max(1024)
    .default([]),
  /** How several heads are combined into the large map. */
  operation: z.enum(['mean', 'max', 'std']).default('mean'),
  signal: z.string().max(64).nullable().default(null),
  /** Share of each row's weight that the lines of the reader view cover; 0 = the top key. */
  mass: share.default(0),
  flip: z.boolean().default(false),
  mistakesOnly: z.boolean().default(false),
  asTable: z.boolean().default(false),
  pinned: z.strictObject({ layer: cellPlace, head: cellPlace, query: cellPlace, key: cellPlace }).nullable().default(null),
  /** How the heads are compared: as a table, a scatter plot, a similarity matrix, or the flow of weights through them. */
  heads: z.enum(['table', 'scatter', 'likeness', 'flow']).default('table'),
  /** Signals along x and y of the scatter plot; null = the default two. */
  axes: z
    .tuple([z.string().max(64), z.string().max(64)])
    .nullable()
    .default(null),
  /** `with`: another run whose heads are matched with those of this run. `sorted`: by similarity, not by layer and head. */
  likeness: z.strictObject({ with: runId.nullable(), sorted: z.boolean() }).default({ with: null, sorted: true }),
  flow: z.strictObject({ mass: share, rollout: z.boolean() }).default({ mass: 0.7, rollout: false }),
  /** How a block of cells is reduced to one where a map has more cells than the screen has pixels. */
  tile: z.enum(['max', 'mean', 'min']).default('max'),
  /** Panes side by side instead of the one grid. */
  comparison: comparisonSchema.nullable().default(null),
});
export type AttentionView = z.infer<typeof attentionViewSchema>;

export const defaultAttentionView: AttentionView = attentionViewSchema.parse({});

/** Encodes only values that differ from the default, so that links stay short; '' for the default view. */
export function encodeAttentionView(view: AttentionView): string {
  const changed = Object.entries(view).filter(([key, value]) => {
    return JSON.stringify(value) !== JSON.stringify(defaultAttentionView[key as keyof AttentionView]);
  });
  return changed.length === 0 ? '' : JSON.stringify(Object.fromEntries(changed));
}

/** @returns null when the text or a part of it is invalid */
export const decodeAttentionView = (text: string): AttentionView | null =>
  attentionViewSchema.safeParse(text === '' ? {} : parsed(text)).data ?? null;

/** The tab's attention view. */
export const attentionView: Store<AttentionView> = createStore(defaultAttentionView);
export const useAttentionView = <T>(select: (view: AttentionView) => T): T => useSelected(attentionView, select);
