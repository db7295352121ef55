import type { Spot } from './focus';
import type { Box } from './layout';

/** The highlighted row and column of a map, dark and light to be visible on every color, and the pinned cell. */
export function MapMarks({
  boxOf,
  lit,
  pinned,
}: {
  /** Position of a row, a column or a cell in CSS pixels. */
  boxOf: (query: number | null, key: number | null) => Box;
  lit: Spot | null;
  pinned: Spot | null;
}) {
  const line = (query: number | null, key: number | null, className: string, strokeWidth: number) => (
    <rect {...boxOf(query, key)} className={`fill-none ${className}`} strokeWidth={strokeWidth} />
  );
  const row = lit?.query ?? null;
  const column = lit?.key ?? null;
  return (
    <>
      {row !== null && line(row, null, 'stroke-black/70', 3)}
      {column !== null && line(null, column, 'stroke-black/70', 3)}
      {row !== null && line(row, null, 'stroke-white', 1.25)}
      {column !== null && line(null, column, 'stroke-white', 1.25)}
      {pinned && pinned.query !== null && pinned.key !== null && line(pinned.query, pinned.key, 'stroke-accent', 2.5)}
    </>
  );
}
