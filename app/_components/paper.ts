import { flushSync } from 'react-dom';
import { drawNow } from '~/app/_charts/drawLoop';
import { useSelected } from '~/app/_live/select';
import { createStore } from '~/app/_live/store';

/** Classes of a page's outermost element. On paper it is as long as its content, as wide as the window, for which the charts are drawn, and scaled to the paper. */
export const onPaper =
  'print:block print:h-auto print:w-(--window) print:overflow-visible print:[zoom:calc(100vw/var(--window))]';

const paper = createStore({ printing: false });

/** Whether the page is being printed, or prepared for it: what is otherwise drawn only in sight is then drawn whole. */
export const usePrinting = (): boolean => useSelected(paper, (p) => p.printing);

/** Whether what is drawn for the first time is drawn for paper: no effect of it comes before the paper is laid out. */
export const printsNow = (): boolean => paper.get().printing;

/** Longest time that numbers are waited for. */
const mostMs = 15_000;

/** Reads what was not in sight, then prints. Whatever waits for numbers is marked `data-waits`. */
async function printWhole(): Promise<void> {
  const until = performance.now() + mostMs;
  paper.set({ printing: true });
  do {
    // The second frame has what the first one began.
    for (let i = 0; i < 2; i++) await new Promise(requestAnimationFrame);
  } while (document.querySelector('[data-waits]') && performance.now() < until);
  window.print();
}

if (typeof window !== 'undefined') {
  // Drawn before the browser lays the paper out.
  addEventListener('beforeprint', () => {
    document.documentElement.style.setProperty('--window', `${innerWidth}px`);
    flushSync(() => paper.set({ printing: true }));
    drawNow();
  });
  addEventListener('afterprint', () => paper.set({ printing: false }));
  addEventListener('keydown', (event) => {
    // On a Mac Ctrl P moves the caret one line up.
    const { ctrlKey, metaKey, shiftKey, altKey } = event;
    const [held, other] = /^(Mac|iP)/.test(navigator.platform) ? [metaKey, ctrlKey] : [ctrlKey, metaKey];
    if (event.key.toLowerCase() !== 'p' || !held || other || shiftKey || altKey) return;
    event.preventDefault();
    if (!paper.get().printing) void printWhole();
  });
}
