import { parsed } from '~/app/_live/kept';
import { choices, useChoice } from '~/app/_live/remembered';

/** A view of the list that the person saved, in the form of its address. */
export interface SavedView {
  name: string;
  params: string;
}

export const mostViews = 100;

const isView = (value: unknown): value is SavedView =>
  typeof value === 'object' &&
  value !== null &&
  typeof (value as SavedView).name === 'string' &&
  typeof (value as SavedView).params === 'string';

/** Invalid entries are left out. */
export function viewsIn(text: string | null): SavedView[] {
  const views = parsed(text);
  return Array.isArray(views) ? views.filter(isView) : [];
}

export const useViews = (): SavedView[] => viewsIn(useChoice('views'));

export const keepViews = (views: readonly SavedView[]): void => choices.write('views', JSON.stringify(views));
