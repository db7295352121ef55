import type { LucideIcon } from 'lucide-react';
import { type ComponentType, lazy } from 'react';
import type { RunView } from '~/shared/view';

/** A panel of the run page. Its folder has one of these, and shell/panels.ts one line that names it. */
export interface Panel {
  /** Part of links. */
  id: string;
  /** What its tab says. */
  title: string;
  icon: LucideIcon;
  /** In the center, or beside it. */
  where: 'center' | 'side';
  /** Whether this run has something to show there. */
  shown(view: RunView, readOnly: boolean): boolean;
  /** A number on the tab; 0 = none. */
  count?(view: RunView): number;
  /** Stays mounted once it was opened, so that what somebody has typed is kept. */
  keeps?: true;
  /** Reads its script, so that the panel opens at once. */
  preload(): Promise<unknown>;
  Body: ComponentType;
}

/** @param load reads the panel's script when the panel is first opened */
export function panel({ load, ...rest }: Omit<Panel, 'Body' | 'preload'> & { load(): Promise<ComponentType> }): Panel {
  return { ...rest, preload: load, Body: lazy(async () => ({ default: await load() })) };
}
