import { useEffect, useState } from 'react';
import { flushSync } from 'react-dom';

/** As long as its content, as wide as the window, for which the charts are drawn, and scaled to the paper. */
export const onPaper =
  'print:block print:h-auto print:w-(--window) print:overflow-visible print:[zoom:calc(100vw/var(--window))]';

let now = false;
/** Whether what is drawn for the first time is drawn for paper: no effect of it comes before the paper is laid out. */
export const printsNow = (): boolean => now;

/** Whether the page is being printed: what is otherwise drawn only in sight is then drawn whole. */
export function usePrinting(): boolean {
  const [printing, setPrinting] = useState(false);
  useEffect(() => {
    // Drawn before the browser lays the paper out.
    const begin = () => {
      now = true;
      document.documentElement.style.setProperty('--window', `${innerWidth}px`);
      flushSync(() => setPrinting(true));
    };
    const end = () => {
      now = false;
      setPrinting(false);
    };
    addEventListener('beforeprint', begin);
    addEventListener('afterprint', end);
    return () => {
      removeEventListener('beforeprint', begin);
      removeEventListener('afterprint', end);
    };
  }, []);
  return printing;
}
