import { useEffect, useRef } from 'react';

/** What the command palette offers. */
export interface PaletteCommand {
  /** Unique among all that are offered. */
  id: string;
  group: string;
  title: string;
  /** Beside the title, smaller. */
  detail?: string;
  /** Words that find it too. */
  words?: string;
  run(): void;
}

/** Given what was typed: a page may offer "Go to step 120" for "120". */
type Offer = (typed: string) => readonly PaletteCommand[];

const offers = new Set<{ current: Offer }>();

/** Offers commands while the component is on the page. They are asked for when the palette is open. */
export function useCommands(offer: Offer): void {
  const latest = useRef(offer);
  latest.current = offer;
  useEffect(() => {
    offers.add(latest);
    return () => void offers.delete(latest);
  }, []);
}

/** What the pages offer now. */
export const offered = (typed: string): PaletteCommand[] => [...offers].flatMap((offer) => offer.current(typed));

export const openPalette = 'headroom:palette';
export const openHelp = 'headroom:help';
