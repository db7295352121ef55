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
export function readViews(storage: Pick<Storage, 'getItem'>): SavedView[] {
  try {
    const kept: unknown = JSON.parse(storage.getItem(storageKey) ?? '[]');
    return Array.isArray(kept) ? kept.filter(isView).slice(0, most) : [];
  } catch {
    return [];
  }
}

export function keepViews(storage: Pick<Storage, 'setItem'>, views: readonly SavedView[]): void {
  try {
    storage.setItem(storageKey, JSON.stringify(views.slice(-most)));
  } catch {
    // If storage is full or blocked, the views last as long as the page.
  }
}
