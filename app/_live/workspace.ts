import { useSelected } from './select';
import { createStore, type Store } from './store';
import { beside, opened, readTiles, type Tiles, tileOf, tilesText, withShare } from './tiles';

/** The layout of a run's page. Stored for the person in this browser, and part of the page's link. */
export interface Workspace {
  layout: LayoutName;
  /** The panels in the center. */
  center: Tiles;
  /** Id of the panel beside the center; null = closed. */
  side: string | null;
  /** The timeline has a lane for each kind of mark; false = one line. */
  lanes: boolean;
  /** The panel that was opened last: shown alone where there is room for only one. Not part of links. */
  last: string | null;
}

/** Initial values of each layout; all of them can be changed afterwards. */
export const layouts = {
  steer: { center: tileOf('curves'), side: 'steer', lanes: true },
  watch: { center: tileOf('curves'), side: 'activity', lanes: true },
  review: { center: beside(tileOf('curves'), tileOf('attention')), side: 'evaluations', lanes: true },
  present: { center: tileOf('curves'), side: null, lanes: false },
} satisfies Record<string, Pick<Workspace, 'center' | 'side' | 'lanes'>>;
export type LayoutName = keyof typeof layouts;
export const layoutNames = Object.keys(layouts) as LayoutName[];

export const arranged = (layout: LayoutName): Workspace => ({ ...layouts[layout], layout, last: null });
export const startWorkspace: Workspace = arranged('steer');

const isId = (text: string) => /^[a-z][a-z0-9-]*$/.test(text);

/** As query parameters; values equal to the layout's initial ones are left out. */
export function workspaceParams(w: Workspace): Record<string, string> {
  const { center, side, lanes } = arranged(w.layout);
  return {
    ...(w.layout !== startWorkspace.layout && { layout: w.layout }),
    ...(tilesText(w.center) !== tilesText(center) && { tabs: tilesText(w.center) }),
    ...(w.side !== side && { side: w.side ?? 'closed' }),
    ...(w.lanes !== lanes && { lanes: w.lanes ? '1' : '0' }),
  };
}

/** The inverse of workspaceParams; an invalid parameter gets the layout's initial value. */
export function fromWorkspaceParams(params: { get(name: string): string | null }): Workspace {
  const name = params.get('layout');
  const start = arranged(layoutNames.find((l) => l === name) ?? startWorkspace.layout);
  const side = params.get('side');
  const split = Number(params.get('split') ?? Number.NaN);
  const lanes = params.get('lanes');
  return {
    ...start,
    center: readTiles(params.get('tabs') ?? '', split) ?? withShare(start.center, split),
    side: side === 'closed' ? null : side !== null && isId(side) ? side : start.side,
    lanes: lanes === '1' ? true : lanes === '0' ? false : start.lanes,
  };
}

export const saysWorkspace = (params: { has(name: string): boolean }): boolean =>
  ['layout', 'tabs', 'side', 'lanes', 'split'].some((name) => params.has(name));

/** Makes a panel visible. */
export function reveal(id: string, where: 'center' | 'side'): void {
  if (where === 'side') workspace.set({ side: id, last: id });
  else workspace.set({ center: opened(workspace.get().center, id), last: id });
}

/** The tab's workspace. */
export const workspace: Store<Workspace> = createStore(startWorkspace);
export const useWorkspace = <T>(select: (w: Workspace) => T): T => useSelected(workspace, select);
