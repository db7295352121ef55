/** The choices of the attention workspace: one per tab, part of the page's link. */
import * as z from 'zod/mini';
import { comparisonSchema, place, runId } from './comparison';
import { parsed } from './kept';
import { useSelected } from './select';
import { createStore, type Store } from './store';

const cellPlace = z.nullable(place);
const share = z.number().check(z.minimum(0), z.maximum(1));
const signal = z.string().check(z.maxLength(64));
const off = z._default(z.boolean(), false);
/** One of these names; the first one at first. */
const oneOf = <const T extends [string, ...string[]]>(...names: T) => z._default(z.enum(names), names[0] as never);
const none = <T extends z.ZodMiniType>(type: T) => z._default(z.nullable(type), null as never);

export const attentionViewSchema = z.strictObject({
  /** Whose maps: one probe example, or the mean or spread (standard deviation) over all of them. */
  source: z._default(z.union([z.strictObject({ example: place }), z.enum(['mean', 'spread'])]), { example: 0 }),
  /** Only for sets: averages put the odd item of every example last first. */
  byRole: z._default(z.boolean(), true),
  /** `auto`: 0 to 1 as long as weights of uniform attention are visible on that scale, otherwise up to the shared maximum. */
  scale: oneOf('auto', 'unit', 'shared', 'head', 'lift'),
  palette: oneOf('viridis', 'cividis', 'gray'),
  /** What is subtracted: nothing, the first or previous snapshot, one at a step, a head of the same one, or another run. */
  reference: none(
    z.union([
      z.enum(['first', 'previous']),
      z.strictObject({ step: place }),
      z.strictObject({ layer: place, head: place }),
      z.strictObject({ run: runId }),
    ]),
  ),
  /** "layer.head", counted from 0. */
  hidden: z._default(z.array(z.string().check(z.regex(/^\d+\.\d+$/))).check(z.maxLength(1024)), []),
  /** How several heads are combined into the large map. */
  operation: oneOf('mean', 'max', 'std'),
  signal: none(signal),
  /** Share of each row's weight that the lines of the reader view cover; 0 = the top key. */
  mass: z._default(share, 0),
  flip: off,
  mistakesOnly: off,
  asTable: off,
  pinned: none(z.strictObject({ layer: cellPlace, head: cellPlace, query: cellPlace, key: cellPlace })),
  /** How the heads are compared: as a table, a scatter plot, a similarity matrix, or the flow of weights through them. */
  heads: oneOf('table', 'scatter', 'likeness', 'flow'),
  /** Signals along x and y of the scatter plot; null = the default two. */
  axes: none(z.tuple([signal, signal])),
  /** `with`: another run whose heads are matched with those of this run. `sorted`: by similarity, not by layer and head. */
  likeness: z._default(z.strictObject({ with: z.nullable(runId), sorted: z.boolean() }), { with: null, sorted: true }),
  flow: z._default(z.strictObject({ mass: share, rollout: z.boolean() }), { mass: 0.7, rollout: false }),
  /** How a block of cells is reduced to one where a map has more cells than the screen has pixels. */
  tile: oneOf('max', 'mean', 'min'),
  /** Panes side by side instead of the one grid. */
  comparison: none(comparisonSchema),
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
