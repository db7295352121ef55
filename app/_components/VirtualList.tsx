import { useVirtualizer } from '@tanstack/react-virtual';
import { type ReactNode, useEffect, useRef } from 'react';
import { usePrinting } from './paper';

/** Shorter lists are drawn whole, so that the browser's search finds every line; and all lists on paper. */
const drawnWhole = 80;

/**
 * A scrolling list that draws only the visible lines, however long it is. `onEnd` is called when the end becomes visible, to load
 * the next page.
 *
 * @param estimate height of a line in px before it has been measured
 */
export function VirtualList<T>(props: {
  items: readonly T[];
  keyOf(item: T): string | number;
  children(item: T): ReactNode;
  estimate?: number;
  label: string;
  className?: string;
  testId?: string;
  onEnd?: (() => void) | undefined;
}) {
  const { items, keyOf, children, estimate = 40, label, className = '', testId, onEnd } = props;
  const scroll = useRef<HTMLOListElement>(null);
  const whole = usePrinting() || items.length <= drawnWhole;
  const virtual = useVirtualizer({
    count: whole ? 0 : items.length,
    getScrollElement: () => scroll.current,
    estimateSize: () => estimate,
    getItemKey: (i) => keyOf(items[i]!),
    overscan: 10,
    initialRect: { width: 320, height: 384 },
  });
  const lines = virtual.getVirtualItems();
  const last = lines.at(-1)?.index ?? 0;
  const atEnd = !whole && last >= items.length - 5;
  useEffect(() => {
    if (atEnd) onEnd?.();
  }, [atEnd, onEnd]);
  return (
    <ol
      ref={scroll}
      className={`relative overflow-y-auto ${className}`}
      data-testid={testId}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region must be reachable by keyboard
      tabIndex={0}
      aria-label={label}
    >
      {whole ? (
        items.map((item) => <li key={keyOf(item)}>{children(item)}</li>)
      ) : (
        <li className="relative list-none" style={{ height: virtual.getTotalSize() }}>
          <ol>
            {lines.map((line) => (
              <li
                key={line.key}
                ref={virtual.measureElement}
                data-index={line.index}
                aria-setsize={items.length}
                aria-posinset={line.index + 1}
                className="absolute inset-x-0 top-0"
                style={{ transform: `translateY(${line.start}px)` }}
              >
                {children(items[line.index]!)}
              </li>
            ))}
          </ol>
        </li>
      )}
    </ol>
  );
}
