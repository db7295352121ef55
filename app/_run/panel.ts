import type { LucideIcon } from 'lucide-react';
import type { ComponentType } from 'react';
import { later } from '~/app/_components/later';
import type { RunView } from '~/shared/view';

/** A panel of the run page. Each panel's folder exports one, and shell/panels.ts lists it. */
export interface Panel {
  /** Used in links. */
  id: string;
  /** Text of its tab. */
  title: string;
  icon: LucideIcon;
  /** In the center, or beside it. */
  where: 'center' | 'side';
  /** Whether this run has content for the panel. */
  shown(view: RunView, readOnly: boolean): boolean;
  /** A number on the tab; 0 = none. */
  count?(view: RunView): number;
  /** Stays mounted once it was opened, so that typed text is kept. */
  keeps?: true;
  /** Loads its script in advance, so that the panel opens immediately. */
  preload(): Promise<unknown>;
  Body: ComponentType;
}

/** @param load loads the panel's script when the panel is first opened */
export function panel({ load, ...rest }: Omit<Panel, 'Body' | 'preload'> & { load(): Promise<ComponentType> }): Panel {
  return { ...rest, preload: () => load().catch(() => {}), Body: later(async () => ({ default: await load() })) };
}
