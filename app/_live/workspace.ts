import { useSelected } from './select';
import { createStore, type Store } from './store';

/** The layout of a run's page. Stored for the person in this browser, and part of the page's link. */
export interface Workspace {
  layout: LayoutName;
  /** Ids of the panels in the center: one, or two side by side. */
  center: readonly string[];
  /** Width of the first of two, in percent. */
  split: number;
  /** Id of the panel beside the center; null = closed. */
  side: string | null;
  /** The timeline has a lane for each kind of mark; false = one line. */
  lanes: boolean;
  /** The panel that was opened last: shown alone where there is room for only one. Not part of links. */
  last: string | null;
}

/** Initial values of each layout; all of them can be changed afterwards. */
export const layouts = {
  steer: { center: ['curves'], side: 'steer', lanes: true },
  watch: { center: ['curves'], side: 'activity', lanes: true },
  review: { center: ['curves', 'attention'], side: 'evaluations', lanes: true },
  present: { center: ['curves'], side: null, lanes: false },
} as const satisfies Record<string, Pick<Workspace, 'center' | 'side' | 'lanes'>>;
export type LayoutName = keyof typeof layouts;
export const layoutNames = Object.keys(layouts) as LayoutName[];

const evenly = 50;
export const arranged = (layout: LayoutName): Workspace => ({ ...layouts[layout], layout, split: evenly, last: null });
export const startWorkspace: Workspace = arranged('steer');

const isId = (text: string) => /^[a-z][a-z0-9-]*$/.test(text);

/** As query parameters; values equal to the layout's initial ones are left out. */
export function workspaceParams(w: Workspace): Record<string, string> {
  const { center, side, lanes, split } = arranged(w.layout);
  return {
    ...(w.layout !== startWorkspace.layout && { layout: w.layout }),
    ...(w.center.join() !== center.join() && { tabs: w.center.join() }),
    ...(w.side !== side && { side: w.side ?? 'closed' }),
    ...(w.lanes !== lanes && { lanes: w.lanes ? '1' : '0' }),
    ...(w.split !== split && { split: String(w.split) }),
  };
}

/** The inverse of workspaceParams; an invalid parameter gets the layout's initial value. */
export function fromWorkspaceParams(params: { get(name: string): string | null }): Workspace {
  const name = params.get('layout');
  const start = arranged(layoutNames.find((l) => l === name) ?? startWorkspace.layout);
  const tabs = (params.get('tabs') ?? '').split(',').filter(isId);
  const side = params.get('side');
  const split = Number(params.get('split') ?? Number.NaN);
  const lanes = params.get('lanes');
  return {
    ...start,
    center: tabs.length > 0 ? [...new Set(tabs)].slice(0, 2) : start.center,
    side: side === 'closed' ? null : side !== null && isId(side) ? side : start.side,
    lanes: lanes === '1' ? true : lanes === '0' ? false : start.lanes,
    split: split >= leastSplit && split <= 100 - leastSplit ? Math.round(split) : start.split,
  };
}

export const saysWorkspace = (params: { has(name: string): boolean }): boolean =>
  ['layout', 'tabs', 'side', 'lanes', 'split'].some((name) => params.has(name));

/** Least width of one of two panels, in percent. */
export const leastSplit = 20;

/** The center with panel `id` at index `at`. If the panel is already at the other index, the two panels swap. */
export function placed(center: readonly string[], at: number, id: string): string[] {
  const next = [...center];
  const other = next.indexOf(id);
  if (other >= 0 && other !== at && next[at] !== undefined) next[other] = next[at]!;
  next[at] = id;
  return next;
}

/** Makes a panel visible. */
export function reveal(id: string, where: 'center' | 'side'): void {
  const { center } = workspace.get();
  if (where === 'side') workspace.set({ side: id, last: id });
  else workspace.set({ center: center.includes(id) ? center : placed(center, center.length - 1, id), last: id });
}

/** The tab's workspace. */
export const workspace: Store<Workspace> = createStore(startWorkspace);
export const useWorkspace = <T>(select: (w: Workspace) => T): T => useSelected(workspace, select);
