/** What of the attention workspace is chosen: one per tab, part of the page's link. */
import { z } from 'zod';
import { runId } from '~/shared/ids';
import { type Source, useSelected } from './select';

const place = z.int().nonnegative();
const cellPlace = place.nullable();

export const attentionViewSchema = z.strictObject({
  /** Whose maps: one probe example, or the mean or spread (standard deviation) over all of them. */
  source: z.union([z.strictObject({ example: place }), z.enum(['mean', 'spread'])]),
  /** Sets only: averages put every example's odd item last first. */
  byRole: z.boolean(),
  scale: z.enum(['unit', 'shared', 'head', 'lift']),
  palette: z.enum(['viridis', 'cividis', 'grey']),
  /** What is subtracted: nothing, the first snapshot, the one before, that of a step, a head of the same snapshot, or another run at the same step. */
  reference: z.union([
    z.null(),
    z.enum(['first', 'previous']),
    z.strictObject({ step: place }),
    z.strictObject({ layer: place, head: place }),
    z.strictObject({ run: runId }),
  ]),
  /** "layer.head", counted from 0. */
  hidden: z.array(z.string().regex(/^\d+\.\d+$/)).max(1024),
  /** How several heads become the large map. */
  operation: z.enum(['mean', 'max', 'std']),
  signal: z.string().max(64).nullable(),
  /** Share of each row's weight that the reader's lines carry; 0 = the top key. */
  mass: z.number().min(0).max(1),
  flip: z.boolean(),
  mistakesOnly: z.boolean(),
  asTable: z.boolean(),
  pinned: z.strictObject({ layer: cellPlace, head: cellPlace, query: cellPlace, key: cellPlace }).nullable(),
});
export type AttentionView = z.infer<typeof attentionViewSchema>;

export const defaultAttentionView: AttentionView = {
  source: { example: 0 },
  byRole: true,
  scale: 'unit',
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
};

/** Only what differs from the default, so that links stay short; '' for the default itself. */
export function encodeAttentionView(view: AttentionView): string {
  const changed = Object.entries(view).filter(([key, value]) => {
    return JSON.stringify(value) !== JSON.stringify(defaultAttentionView[key as keyof AttentionView]);
  });
  return changed.length === 0 ? '' : JSON.stringify(Object.fromEntries(changed));
}

/** @returns null when the text is not such a view, whole or in part */
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

export interface AttentionViewStore extends Source<AttentionView> {
  set(change: Partial<AttentionView>): void;
}

export function createAttentionView(): AttentionViewStore {
  let state = defaultAttentionView;
  const listeners = new Set<() => void>();
  return {
    get: () => state,
    subscribe: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    set: (change) => {
      state = { ...state, ...change };
      for (const listener of [...listeners]) listener();
    },
  };
}

/** The tab's. */
export const attentionView: AttentionViewStore = createAttentionView();
export const useAttentionView = <T>(select: (view: AttentionView) => T): T => useSelected(attentionView, select);
