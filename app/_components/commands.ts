import { useEffect, useRef } from 'react';

/** A command in the command palette. */
export interface PaletteCommand {
  /** Unique among all commands offered. */
  id: string;
  group: string;
  title: string;
  /** Shown smaller, beside the title. */
  detail?: string;
  /** Further words by which a search finds it. */
  words?: string;
  run(): void;
}

/** Returns commands for the typed text: a page may offer "Go to step 120" for "120". */
type Offer = (typed: string) => readonly PaletteCommand[];

const offers = new Set<{ current: Offer }>();

/** Offers commands while the component is mounted. They are requested when the palette is open. */
export function useCommands(offer: Offer): void {
  const latest = useRef(offer);
  latest.current = offer;
  useEffect(() => {
    offers.add(latest);
    return () => void offers.delete(latest);
  }, []);
}

/** The commands that the pages offer now. */
export const offered = (typed: string): PaletteCommand[] => [...offers].flatMap((offer) => offer.current(typed));

export const openPalette = 'headroom:palette';
export const openHelp = 'headroom:help';
/** A cancelable event: a page that lists its own shortcuts cancels it. */
export const openShortcuts = 'headroom:shortcuts';
