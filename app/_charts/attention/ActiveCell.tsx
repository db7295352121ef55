import { type KeyboardEvent, useEffect, useRef, useState } from 'react';
import { visibleKeys } from '~/shared/attention';
import type { Spot } from './focus';
import type { MapProps, MapView } from './mapProps';
import { cellWords } from './tokens';

interface ActiveCellProps extends Pick<MapView, 'boxOf'> {
  map: MapProps;
  spotOf: (query: number, key: number) => Spot;
  /** Called with each cell that the keyboard moves to. */
  onWalk?: (query: number, key: number) => void;
}

/** The only cell that the keyboard and the screen reader reach. Every move creates a new element, so that it is read aloud. */
export function ActiveCell({ map, spotOf, boxOf, onWalk }: ActiveCellProps) {
  const { values, queries, keys, causal = false, where, pinned, flip, onFocus, onPoint } = map;
  const [at, setAt] = useState({ query: 0, key: 0 });
  const cell = useRef<HTMLDivElement>(null);
  const moved = useRef(false);
  useEffect(() => {
    // `at` changes when the element is a new one.
    if (moved.current && at) cell.current?.focus();
    moved.current = false;
  }, [at]);
  const query = Math.min(at.query, queries - 1);
  const key = Math.min(at.key, keys - 1);
  const go = (q: number, k: number) => {
    const next = { query: Math.max(0, Math.min(queries - 1, q)), key: Math.max(0, Math.min(keys - 1, k)) };
    if (next.query === query && next.key === key) return;
    moved.current = true;
    setAt(next);
    onWalk?.(next.query, next.key);
    onFocus({ type: 'hover', spot: spotOf(next.query, next.key) });
  };
  const onKey = (event: KeyboardEvent) => {
    const up = flip ? 1 : -1;
    if (event.key === 'ArrowUp') go(query + up, key);
    else if (event.key === 'ArrowDown') go(query - up, key);
    else if (event.key === 'ArrowLeft') go(query, key - 1);
    else if (event.key === 'ArrowRight') go(query, key + 1);
    else if (event.key === 'Home') go(event.ctrlKey ? 0 : query, 0);
    else if (event.key === 'End') go(event.ctrlKey ? queries - 1 : query, keys - 1);
    else if (event.key === 'Enter' || event.key === ' ') onFocus({ type: 'click', spot: spotOf(query, key) });
    else if (event.key === 'n') {
      const at = event.currentTarget.getBoundingClientRect();
      onPoint?.(spotOf(query, key), { clientX: at.left, clientY: at.top });
    } else return;
    event.preventDefault();
    event.stopPropagation();
  };
  const box = boxOf(query, key);
  return (
    // biome-ignore lint/a11y/useSemanticElements: the only row of a canvas that is in the document.
    // biome-ignore lint/a11y/useFocusableInteractive: the cell has the focus.
    <div role="row" aria-rowindex={query + 1} className="contents">
      {/* biome-ignore lint/a11y/useSemanticElements: see above. */}
      <div
        key={`${query}.${key}`}
        ref={cell}
        role="gridcell"
        aria-colindex={key + 1}
        aria-selected={pinned?.query === query && pinned.key === key}
        aria-label={cellWords(
          where,
          query,
          key,
          values[query * keys + key]!,
          key >= visibleKeys({ queries, keys, causal }, query),
        )}
        tabIndex={0}
        className="pointer-events-none absolute"
        style={{ left: box.x, top: box.y, width: box.width, height: box.height }}
        onKeyDown={onKey}
        onFocus={() => {
          onWalk?.(query, key);
          onFocus({ type: 'hover', spot: spotOf(query, key) });
        }}
        onBlur={() => onFocus({ type: 'hover', spot: null })}
      />
    </div>
  );
}
