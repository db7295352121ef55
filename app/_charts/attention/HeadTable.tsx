import { memo, useMemo, useState } from 'react';
import { type HeadId, type Hidden, headKey } from './selection';
import { headName } from './tokens';

/** A column of the table: a declared signal, or the result of a question. */
export interface HeadColumn {
  id: string;
  label: string;
  help: string;
  digits: number;
}

export interface HeadRow {
  layer: number;
  head: number;
  /** In the order of the columns; NaN = not known. */
  values: readonly number[];
  /** What the head attends to, and the number that shows it; null when nothing stands out. */
  name: { title: string; value: number } | null;
}

interface HeadTableProps {
  columns: readonly HeadColumn[];
  rows: readonly HeadRow[];
  /** Whether any signal names heads. */
  named: boolean;
  hidden: Hidden;
  active: { layer: number; head: number } | null;
  onPick: (head: HeadId) => void;
  onToggle: (head: HeadId) => void;
  onSolo: (head: HeadId) => void;
}

/** What each head does, in numbers. A head has a name only if a number supports it. */
export const HeadTable = memo(function HeadTable(props: HeadTableProps) {
  const { columns: all, rows, named, hidden, active, onPick, onToggle, onSolo } = props;
  const [sort, setSort] = useState<{ id: string; down: boolean }>({ id: 'head', down: false });
  const columns = useMemo(() => [...all.entries()].filter(([i]) => rows.some((r) => !Number.isNaN(r.values[i]!))), [all, rows]);
  const sorted = useMemo(() => sortRows(rows, all, sort), [rows, all, sort]);
  const header = (id: string, label: string, help: string, align: string) => (
    <th
      key={id}
      scope="col"
      aria-sort={sort.id === id ? (sort.down ? 'descending' : 'ascending') : 'none'}
      className={`px-1.5 py-1 font-medium ${align}`}
    >
      <button
        type="button"
        title={`${help}${help && '; '}click to sort`}
        className="whitespace-nowrap hover:text-ink"
        onClick={() => setSort({ id, down: sort.id === id ? !sort.down : id !== 'head' })}
      >
        {label}
        <span aria-hidden>{sort.id === id ? (sort.down ? ' ↓' : ' ↑') : ''}</span>
      </button>
    </th>
  );
  return (
    <table className="w-full border-collapse text-xs">
      <caption className="sr-only">Heads at the step shown</caption>
      <thead className="text-left text-dim">
        <tr className="border-b border-line">
          <th scope="col" className="w-6 px-1">
            <span className="sr-only">shown</span>
          </th>
          {header('head', 'head', 'by layer and head', 'text-left')}
          {named && header('name', 'looks at', 'named where a signal says so', 'text-left')}
          {columns.map(([, c]) => header(c.id, c.label, c.help, 'text-right'))}
        </tr>
      </thead>
      <tbody>
        {sorted.map((r) => {
          const off = hidden.has(headKey(r.layer, r.head));
          const on = active?.layer === r.layer && active.head === r.head;
          const name = headName(r.layer, r.head);
          return (
            <tr
              key={headKey(r.layer, r.head)}
              className={`border-b border-line/60 ${on ? 'bg-raised' : ''} ${off ? 'text-dim' : ''}`}
            >
              <td className="px-1">
                {/* A check box and no icon: with 144 rows, as many SVG pictures cost the browser 8 ms in every frame. */}
                <label className="grid size-6 place-items-center" title="click: show or hide; double click: this one alone">
                  <input
                    type="checkbox"
                    aria-label={`show ${name}`}
                    checked={!off}
                    onChange={() => onToggle([r.layer, r.head])}
                    onDoubleClick={() => onSolo([r.layer, r.head])}
                  />
                </label>
              </td>
              <th scope="row" className="px-1.5 py-0.5 text-left font-normal whitespace-nowrap">
                <button
                  type="button"
                  aria-label={`${r.layer + 1}.${r.head + 1}, ${name}`}
                  className="font-mono hover:underline"
                  onClick={() => onPick([r.layer, r.head])}
                >
                  {r.layer + 1}.{r.head + 1}
                </button>
              </th>
              {named && (
                <td className="px-1.5 whitespace-nowrap">
                  {r.name ? `${r.name.title} ${r.name.value.toFixed(2)}` : <span className="text-dim">–</span>}
                </td>
              )}
              {columns.map(([i, c]) => {
                const v = r.values[i]!;
                return (
                  <td key={c.id} className="px-1.5 text-right font-mono">
                    {Number.isNaN(v) ? '–' : v.toFixed(c.digits)}
                  </td>
                );
              })}
            </tr>
          );
        })}
      </tbody>
    </table>
  );
});

/** Sorts rows; NaN comes last in both directions, and equal rows stay in the order of layers and heads. */
export function sortRows(
  rows: readonly HeadRow[],
  columns: readonly HeadColumn[],
  { id, down }: { id: string; down: boolean },
): HeadRow[] {
  const sign = down ? -1 : 1;
  if (id === 'head') return down ? rows.toReversed() : [...rows];
  if (id === 'name')
    return rows.toSorted((a, b) => {
      const [x, y] = [a.name?.title ?? '', b.name?.title ?? ''];
      if (!x || !y) return x ? -1 : y ? 1 : 0;
      return sign * x.localeCompare(y) || (b.name?.value ?? 0) - (a.name?.value ?? 0);
    });
  const i = columns.findIndex((c) => c.id === id);
  return rows.toSorted((a, b) => {
    const [x, y] = [a.values[i] ?? Number.NaN, b.values[i] ?? Number.NaN];
    if (Number.isNaN(x) || Number.isNaN(y)) return Number.isNaN(x) ? (Number.isNaN(y) ? 0 : 1) : -1;
    return sign * (x - y);
  });
}
