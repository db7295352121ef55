/** Views of the list that somebody saved in this browser, each as its address holds it. */
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

/** What cannot be read is left out. */
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
    // A storage that is full or closed: the views last as long as the page.
  }
}
