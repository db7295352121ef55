import { useEffect, useState } from 'react';
import { usePrinting } from '~/app/_components/paper';
import type { TableState } from './tableReader';

/** Most lines that are printed. */
const mostPrinted = 2_000;

/**
 * On paper all lines are drawn that have been read. The key for printing reads the others first.
 * @returns reading: lines 0 to most - 1 are being read to be printed
 */
export function usePaper({ head, lines, error }: TableState): { printing: boolean; reading: boolean; most: number } {
  const printing = usePrinting();
  const [reading, setReading] = useState(false);
  const most = Math.min(head?.lines ?? 0, mostPrinted);
  const read = lines.size >= most;
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (read || event.key.toLowerCase() !== 'p' || !(event.ctrlKey || event.metaKey) || event.shiftKey || event.altKey) return;
      event.preventDefault();
      setReading(true);
    };
    addEventListener('keydown', onKey);
    return () => removeEventListener('keydown', onKey);
  }, [read]);
  useEffect(() => {
    if (!reading || !(read || error)) return;
    setReading(false);
    // Once React is done: printing draws the page anew.
    setTimeout(() => window.print());
  }, [reading, read, error]);
  return { printing, reading, most };
}
