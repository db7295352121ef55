/** The choices of the attention workspace: one per tab, part of the page's link. */
import { z } from 'zod';
import { runId } from '~/shared/ids';
import { comparisonSchema } from './comparison';
import { useSelected } from './select';
import { createStore, type Store } from './store';

const place = z.int().nonnegative();
const cellPlace = place.nullable();

export const attentionViewSchema = z.strictObject({
  /** Whose maps: one probe example, or the mean or spread (standard deviation) over all of them. */
  source: z.union([z.strictObject({ example: place }), z.enum(['mean', 'spread'])]),
  /** Only for sets: averages put the odd item of every example last first. */
  byRole: z.boolean(),
  /** `auto`: 0 to 1 as long as weights of uniform attention are visible on that scale, otherwise up to the shared maximum. */
  scale: z.enum(['auto', 'unit', 'shared', 'head', 'lift']),
  palette: z.enum(['viridis', 'cividis', 'gray']),
  /** What is subtracted: nothing, the first or previous snapshot, one at a step, a head of the same one, or another run. */
  reference: z.union([
    z.null(),
    z.enum(['first', 'previous']),
    z.strictObject({ step: place }),
    z.strictObject({ layer: place, head: place }),
    z.strictObject({ run: runId }),
  ]),
  /** "layer.head", counted from 0. */
  hidden: z.array(z.string().regex(/^\d+\.\d+$/)).max(1024),
  /** How several heads are combined into the large map. */
  operation: z.enum(['mean', 'max', 'std']),
  signal: z.string().max(64).nullable(),
  /** Share of each row's weight that the lines of the reader view cover; 0 = the top key. */
  mass: z.number().min(0).max(1),
  flip: z.boolean(),
  mistakesOnly: z.boolean(),
  asTable: z.boolean(),
  pinned: z.strictObject({ layer: cellPlace, head: cellPlace, query: cellPlace, key: cellPlace }).nullable(),
  /** How the heads are compared: as a table, a scatter plot, a similarity matrix, or the flow of weights through them. */
  heads: z.enum(['table', 'scatter', 'likeness', 'flow']),
  /** Signals along x and y of the scatter plot; null = the default two. */
  axes: z.tuple([z.string().max(64), z.string().max(64)]).nullable(),
  likeness: z.strictObject({
    /** Another run whose heads are matched with those of this run. */
    with: runId.nullable(),
    /** Sorted by similarity instead of by layer and head. */
    sorted: z.boolean(),
  }),
  flow: z.strictObject({ mass: z.number().min(0).max(1), rollout: z.boolean() }),
  /** How a block of cells is reduced to one where a map has more cells than the screen has pixels. */
  tile: z.enum(['max', 'mean', 'min']),
  /** Panes side by side instead of the one grid. */
  comparison: comparisonSchema.nullable(),
});
export type AttentionView = z.infer<typeof attentionViewSchema>;

export const defaultAttentionView: AttentionView = {
  source: { example: 0 },
  byRole: true,
  scale: 'auto',
  palette: 'viridis',
  reference: null,
  hidden: [],
  operation: 'mean',
  signal: null,
  mass: 0,
  flip: false,
  mistakesOnly: false,
  asTable: false,
  pinned: null,
  heads: 'table',
  axes: null,
  likeness: { with: null, sorted: true },
  flow: { mass: 0.7, rollout: false },
  tile: 'max',
  comparison: null,
};

/** Encodes only values that differ from the default, so that links stay short; '' for the default view. */
export function encodeAttentionView(view: AttentionView): string {
  const changed = Object.entries(view).filter(([key, value]) => {
    return JSON.stringify(value) !== JSON.stringify(defaultAttentionView[key as keyof AttentionView]);
  });
  return changed.length === 0 ? '' : JSON.stringify(Object.fromEntries(changed));
}

/** @returns null when the text or a part of it is invalid */
export function decodeAttentionView(text: string): AttentionView | null {
  if (text === '') return defaultAttentionView;
  try {
    const changes: unknown = JSON.parse(text);
    if (typeof changes !== 'object' || changes === null || Array.isArray(changes)) return null;
    return attentionViewSchema.safeParse({ ...defaultAttentionView, ...changes }).data ?? null;
  } catch {
    return null;
  }
}

/** The tab's attention view. */
export const attentionView: Store<AttentionView> = createStore(defaultAttentionView);
export const useAttentionView = <T>(select: (view: AttentionView) => T): T => useSelected(attentionView, select);
