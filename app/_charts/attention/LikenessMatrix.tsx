import { memo, useCallback, useState } from 'react';
import { PixelCanvas } from './PixelCanvas';
import { placeIn } from './pointing';
import { pixelOf } from './raster';
import type { ColorScale } from './scale';

interface LikenessMatrixProps {
  /** [rows, columns] in the order of the heads, not of the matrix on screen. */
  distances: Float64Array;
  /** The head at each row and column of the matrix on screen. */
  rowOrder: readonly number[];
  columnOrder: readonly number[];
  /** Number of heads in the columns, including hidden ones. */
  columns: number;
  /** "1.2" */
  rowName: (head: number) => string;
  columnName: (head: number) => string;
  /** The column head that each row head is paired with; -1 = none. null = there are no pairs. */
  pairs: Int32Array | null;
  scale: ColorScale;
  /** The head of the large map. */
  active: number;
  width: number;
  label: string;
  onPick: (row: number) => void;
}

const label = 30;

/** Distance between every two heads. */
export const LikenessMatrix = memo(function LikenessMatrix(props: LikenessMatrixProps) {
  const { distances, rowOrder, columnOrder, columns, rowName, columnName, pairs, scale, active, width, onPick } = props;
  const [pointed, setPointed] = useState<{ row: number; column: number } | null>(null);
  const cell = Math.max(
    2,
    Math.min(26, Math.floor((width - label) / Math.max(1, columnOrder.length)), Math.floor(420 / rowOrder.length)),
  );
  const draw = useCallback(
    (pixels: Uint32Array) => {
      for (const [r, row] of rowOrder.entries())
        for (const [c, column] of columnOrder.entries())
          pixels[r * columnOrder.length + c] = pixelOf(scale, distances[row * columns + column]!);
    },
    [distances, rowOrder, columnOrder, columns, scale],
  );
  const size = { width: columnOrder.length * cell, height: rowOrder.length * cell };
  const every = Math.max(1, Math.ceil(22 / cell));
  const everyRow = Math.max(1, Math.ceil(12 / cell));
  const place = (event: React.MouseEvent) => {
    const [x, y] = placeIn(event);
    const [row, column] = [rowOrder[Math.floor(y / cell)], columnOrder[Math.floor(x / cell)]];
    return row === undefined || column === undefined ? null : { row, column };
  };
  return (
    <div className="min-w-0 select-none">
      <div className="relative" style={{ width: size.width + label, height: size.height + 16 }}>
        {columnOrder.map((head, c) =>
          c % every === 0 ? (
            <span
              key={head}
              aria-hidden
              className={`absolute top-0 text-center font-mono text-[9px] leading-4 ${pointed?.column === head ? 'font-bold text-ink' : 'text-dim'}`}
              style={{ left: label + c * cell, width: Math.max(cell, 20), marginLeft: Math.min(0, (cell - 20) / 2) }}
            >
              {columnName(head)}
            </span>
          ) : null,
        )}
        {rowOrder.map((head, r) =>
          r % everyRow === 0 || head === active ? (
            <button
              key={head}
              type="button"
              title={`layer and head ${rowName(head)}: show large`}
              aria-pressed={head === active}
              onClick={() => onPick(head)}
              className={`absolute left-0 text-left font-mono text-[10px] hover:text-ink ${head === active ? 'font-bold text-ink' : 'text-dim'}`}
              style={{ top: 16 + r * cell, height: Math.max(cell, 10), width: label - 4, lineHeight: `${Math.max(cell, 10)}px` }}
            >
              {rowName(head)}
            </button>
          ) : null,
        )}
        {/* biome-ignore lint/a11y/noStaticElementInteractions lint/a11y/useKeyWithClickEvents: the names at the left handle the keys; the table has the numbers. */}
        <div
          className="absolute cursor-pointer"
          style={{ left: label, top: 16, ...size }}
          onPointerMove={(e) => setPointed(place(e))}
          onPointerLeave={() => setPointed(null)}
          onClick={(e) => {
            const spot = place(e);
            setPointed(spot);
            if (spot) onPick(spot.row);
          }}
        >
          <PixelCanvas width={columnOrder.length} height={rowOrder.length} draw={draw} label={props.label} />
          <svg {...size} className="pointer-events-none absolute inset-0" aria-hidden>
            {pairs &&
              cell > 5 &&
              rowOrder.map((head, r) => {
                const c = columnOrder.indexOf(pairs[head]!);
                return (
                  c >= 0 && (
                    <rect
                      key={head}
                      x={c * cell + 1}
                      y={r * cell + 1}
                      width={cell - 2}
                      height={cell - 2}
                      className="fill-none stroke-white"
                      strokeWidth={1.5}
                    />
                  )
                );
              })}
          </svg>
        </div>
      </div>
      <p className="mt-1 h-4 truncate font-mono text-xs" data-testid="likeness-value">
        {pointed ? (
          `${rowName(pointed.row)} and ${columnName(pointed.column)}: ${distances[pointed.row * columns + pointed.column]!.toFixed(3)}`
        ) : (
          <span className="font-sans text-dim">point at a square for its distance; click for the head</span>
        )}
      </p>
    </div>
  );
});
