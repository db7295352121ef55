import type { ReactNode } from 'react';
import { headingClass, Keys } from './Keys';

export interface List {
  title: string;
  /** `reading`: the meaning in a replay, where nothing can be written; null = none. */
  keys: readonly (readonly [keys: string, meaning: string, reading?: string | null])[];
}

/** Every key and gesture of the pages, by where it acts. */
export const keyLists = {
  everywhere: {
    title: 'Everywhere',
    keys: [
      ['Ctrl K', 'search runs and commands'],
      ['/', 'search the list of runs'],
      ['Ctrl P', 'print, with the lines and charts that are not in sight'],
      ['?', 'this help'],
      ['Tab, Shift Tab', 'next or previous control'],
      ['Space, Enter', 'press a button, tick a box'],
      ['Escape', 'close what is open'],
    ],
  },
  onRun: {
    title: 'On the page of a run',
    keys: [
      ['L', 'follow the newest step'],
      ['Z', 'show the whole run'],
      ['T', 'dark or light'],
      ['← →', 'on tabs: the next tab; on an edge between panels: make one larger'],
    ],
  },
  onReplay: {
    title: 'Everywhere',
    keys: [
      ['Space', 'play or stop'],
      ['Z', 'show the whole run'],
      ['T', 'dark or light'],
      ['?', 'this help'],
      ['Tab, Shift Tab', 'next or previous control'],
      ['Escape', 'close what is open'],
    ],
  },
  onTimeline: {
    title: 'On the timeline and the charts',
    keys: [
      ['← →', 'one step (with Shift: ten)'],
      ['Home, End', 'first step, newest step'],
      ['Page ↑ ↓', 'previous or next snapshot'],
    ],
  },
  onCharts: {
    title: 'Gestures on charts',
    keys: [
      ['click', 'pin the step'],
      ['drag', 'zoom in'],
      ['double click', 'show all steps'],
      ['Ctrl wheel, pinch', 'zoom'],
      ['Shift drag', 'move the range'],
      ['right click, N', 'note, pin, copy', 'pin, copy'],
      ['click a name', 'hide its series (with Shift: show it alone)'],
    ],
  },
  onAttention: {
    title: 'On attention maps',
    keys: [
      ['arrows', 'to the next head or cell'],
      ['Enter, click', 'pin the head or cell; Escape unpins'],
      ['S', 'show this head alone'],
      ['H, Alt click', 'hide this head'],
      ['A', 'show all heads'],
      ['Shift click', 'show the heads from the pinned one to this one'],
      ['N, right click', 'note at this head or cell', null],
      ['+ − 0', 'zoom one map in, out, to its whole'],
    ],
  },
  steering: {
    title: 'Steering',
    keys: [
      ['Space', 'pause or resume'],
      ['.', 'one step, while paused'],
      ['E', 'evaluate'],
    ],
  },
} as const satisfies Record<string, List>;

export const KeyList = ({ of: { title, keys } }: { of: List }) => (
  <section>
    <h3 className={headingClass}>{title}</h3>
    <Keys of={keys} />
  </section>
);

/** Lists of keys side by side as space allows; `children` are a further part at the end. */
export const KeyColumns = ({ of, children }: { of: readonly List[]; children?: ReactNode }) => (
  <div className="gap-6 overflow-y-auto p-4 sm:columns-2">
    {of.map((list) => (
      <div key={list.title} className="mb-4 break-inside-avoid">
        <KeyList of={list} />
      </div>
    ))}
    <div className="break-inside-avoid">{children}</div>
  </div>
);
