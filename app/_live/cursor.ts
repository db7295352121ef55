import type { ChartCursor, ChartCursorState } from '~/app/_charts/types';
import { useSelected } from './select';
import { createStore } from './store';

/** The step that the page shows: one cursor per tab, moved by scrubber, charts, keys, activity items and the URL. */
export interface Cursor extends ChartCursor {
  /** Sets the run's newest step, and whether it is the last; moves a live cursor, never a pinned one. */
  head(step: number, ended?: boolean): void;
  /** Back to following from step 0, e.g. when another run is opened. */
  reset(): void;
  /** Sets the first step of the run's axis and the distance in steps between its rows; 0 and 1 until set. */
  rows(startStep: number, stride: number): void;
}

const start: ChartCursorState = { mode: 'live', step: 0, hoverStep: null, zoom: null };

export function createCursor(): Cursor {
  const { get, set, subscribe } = createStore(start);
  let head = 0;
  let over = false;
  let rows = { startStep: 0, stride: 1 };
  return {
    get,
    subscribe,
    headStep: () => head,
    ended: () => over,
    rows: (startStep, stride) => {
      if (startStep === rows.startStep && stride === rows.stride) return;
      rows = { startStep, stride };
      set({});
    },
    startStep: () => rows.startStep,
    stride: () => rows.stride,
    pin: (step) => {
      const { mode, step: before } = get();
      if (mode !== 'pinned' || before !== step) set({ mode: 'pinned', step });
    },
    follow: () => {
      const { mode, step } = get();
      if (mode !== 'live' || step !== head) set({ mode: 'live', step: head });
    },
    hover: (step) => {
      if (get().hoverStep !== step) set({ hoverStep: step });
    },
    zoom: (range) => {
      const [a, b] = [get().zoom, range];
      if (a === b || (a && b && a[0] === b[0] && a[1] === b[1])) return;
      set({ zoom: range });
    },
    head: (step, ended = false) => {
      const changed = ended !== over;
      [head, over] = [step, ended];
      const { mode, step: before } = get();
      if (mode === 'live' && before !== step) set({ step });
      else if (changed) set({});
    },
    reset: () => {
      [head, over] = [0, false];
      rows = { startStep: 0, stride: 1 };
      set(start);
    },
  };
}

/** The tab's cursor. */
export const setCursor: Cursor = createCursor();
export const useCursor = <T>(select: (cursor: ChartCursorState) => T): T => useSelected(setCursor, select);
