import { kept, parsed } from '~/app/_live/kept';

/** A view of the list that the user saved in this browser, in the form of its address. */
export interface SavedView {
  name: string;
  params: string;
}

const storageKey = 'headroom.views';
const most = 100;

const isView = (value: unknown): value is SavedView =>
  typeof value === 'object' &&
  value !== null &&
  typeof (value as SavedView).name === 'string' &&
  typeof (value as SavedView).params === 'string';

/** Invalid entries are left out. */
export function readViews(storage: Pick<typeof kept, 'get'> = kept): SavedView[] {
  const views = parsed(storage.get(storageKey));
  return Array.isArray(views) ? views.filter(isView).slice(0, most) : [];
}

export const keepViews = (views: readonly SavedView[], storage: Pick<typeof kept, 'set'> = kept): void =>
  storage.set(storageKey, JSON.stringify(views.slice(-most)));
