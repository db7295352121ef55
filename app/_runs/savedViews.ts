import { nanoid } from 'nanoid';
import { parsed } from '~/app/_live/kept';
import { choices, useChoice } from '~/app/_live/remembered';

/** A view of the list that the person saved, in the form of its address. */
export interface SavedView {
  name: string;
  params: string;
  /** What it is known by whatever it is called, also in another browser; left out: its name. */
  id?: string;
}

export const mostViews = 100;

const isView = (value: unknown): value is SavedView =>
  typeof value === 'object' &&
  value !== null &&
  typeof (value as SavedView).name === 'string' &&
  typeof (value as SavedView).params === 'string' &&
  ['string', 'undefined'].includes(typeof (value as SavedView).id);

export const idOf = ({ id, name }: SavedView): string => id ?? name;

/** Invalid entries are left out. */
export function viewsIn(text: string | null): SavedView[] {
  const views = parsed(text);
  return Array.isArray(views) ? views.filter(isView) : [];
}

/** The list with a view of this name, which replaces another one of the same name. */
export function withSaved(views: readonly SavedView[], name: string, params: string): SavedView[] {
  const before = views.find((v) => v.name === name);
  const taken = views.some((v) => idOf(v) === name);
  const view = before ? { ...before, params } : { name, params, ...(taken && { id: nanoid(8) }) };
  return [...views.filter((v) => v !== before), view];
}

export const withName = (views: readonly SavedView[], id: string, name: string): SavedView[] =>
  views.map((v) => (idOf(v) === id ? { ...v, id, name } : v));

/** Why the view cannot have this name; null: it can. */
export function nameProblem(views: readonly SavedView[], id: string, name: string): string | null {
  if (name === '') return 'New name: give the view a name';
  return views.some((v) => v.name === name && idOf(v) !== id) ? `New name: another view is called "${name}"` : null;
}

export const useViews = (): SavedView[] => viewsIn(useChoice('views'));

export const keepViews = (views: readonly SavedView[]): void => choices.write('views', JSON.stringify(views));
