'use client';

import { Eye, EyeOff } from 'lucide-react';
import { memo, useMemo, useState } from 'react';
import { type HeadScores, type Role, roles } from '~/shared/attention';
import { type HeadId, type Hidden, headKey } from './selection';
import { headName } from './tokens';

export interface HeadRow {
  layer: number;
  head: number;
  scores: HeadScores;
  role: { role: Role; score: number } | null;
  /** The trainer's, to the snapshot before; NaN for the first. */
  drift: number;
  /** Loss with this head's output replaced, minus the loss; null = not measured at this step. */
  ablation: { mean: number; zero: number } | null;
}

type Column = { id: string; label: string; help: string; value: (r: HeadRow) => number; digits: number };

const all: Column[] = [
  { id: 'entropy', label: 'entropy', help: 'normalised: 1 = uniform, 0 = one key', value: (r) => r.scores.entropy, digits: 2 },
  {
    id: 'confidence',
    label: 'confidence',
    help: 'mean of each row’s largest weight',
    value: (r) => r.scores.confidence,
    digits: 2,
  },
  {
    id: 'antiDiagonal',
    label: 'mirror',
    help: 'weight on the mirrored position: what reversing needs',
    value: (r) => r.scores.antiDiagonal,
    digits: 2,
  },
  { id: 'diagonal', label: 'itself', help: 'weight of each token on itself', value: (r) => r.scores.diagonal, digits: 2 },
  { id: 'previous', label: 'previous', help: 'weight on the token before', value: (r) => r.scores.previous, digits: 2 },
  { id: 'next', label: 'next', help: 'weight on the token after', value: (r) => r.scores.next, digits: 2 },
  {
    id: 'oddMass',
    label: 'odd one',
    help: 'weight that the others put on the odd one',
    value: (r) => r.scores.oddMass ?? Number.NaN,
    digits: 2,
  },
  { id: 'column', label: 'one key', help: 'largest column of the mean map', value: (r) => r.scores.column, digits: 2 },
  {
    id: 'distance',
    label: 'distance',
    help: 'mean distance looked over, in positions',
    value: (r) => r.scores.distance ?? Number.NaN,
    digits: 1,
  },
  { id: 'drift', label: 'drift', help: 'change since the snapshot before, 0 to 1', value: (r) => r.drift, digits: 3 },
  {
    id: 'mean',
    label: 'Δloss mean',
    help: 'loss with this head’s output replaced by its mean, minus the loss',
    value: (r) => r.ablation?.mean ?? Number.NaN,
    digits: 3,
  },
  {
    id: 'zero',
    label: 'Δloss zero',
    help: 'loss with this head’s output set to zero, minus the loss',
    value: (r) => r.ablation?.zero ?? Number.NaN,
    digits: 3,
  },
];

interface RoleTableProps {
  rows: readonly HeadRow[];
  hidden: Hidden;
  active: { layer: number; head: number } | null;
  onPick: (head: HeadId) => void;
  onToggle: (head: HeadId) => void;
  onSolo: (head: HeadId) => void;
}

/** What each head does, in numbers. A role is named only where its number says so. */
export const RoleTable = memo(function RoleTable({ rows, hidden, active, onPick, onToggle, onSolo }: RoleTableProps) {
  const [sort, setSort] = useState<{ id: string; down: boolean }>({ id: 'head', down: false });
  const columns = useMemo(() => all.filter((c) => rows.some((r) => !Number.isNaN(c.value(r)))), [rows]);
  const sorted = useMemo(() => sortRows(rows, sort), [rows, sort]);
  const header = (id: string, label: string, help: string, align: string) => (
    <th
      key={id}
      scope="col"
      aria-sort={sort.id === id ? (sort.down ? 'descending' : 'ascending') : 'none'}
      className={`px-1.5 py-1 font-medium ${align}`}
    >
      <button
        type="button"
        title={`${help}; click to sort`}
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
          {header('role', 'looks at', 'named from a mean weight of 0.50 on', 'text-left')}
          {columns.map((c) => header(c.id, c.label, c.help, 'text-right'))}
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
                <button
                  type="button"
                  aria-pressed={!off}
                  aria-label={`show ${name}`}
                  title="click: show or hide; double click: this one alone"
                  className="grid size-6 place-items-center text-dim hover:text-ink"
                  onClick={() => onToggle([r.layer, r.head])}
                  onDoubleClick={() => onSolo([r.layer, r.head])}
                >
                  {off ? <EyeOff aria-hidden size={13} /> : <Eye aria-hidden size={13} />}
                </button>
              </td>
              <th scope="row" className="px-1.5 py-0.5 text-left font-normal whitespace-nowrap">
                <button type="button" className="hover:underline" onClick={() => onPick([r.layer, r.head])}>
                  <span className="sr-only">{name}</span>
                  <span aria-hidden className="font-mono">
                    {r.layer + 1}.{r.head + 1}
                  </span>
                </button>
              </th>
              <td className="px-1.5 whitespace-nowrap">{r.role ? roleWords(r) : <span className="text-dim">–</span>}</td>
              {columns.map((c) => {
                const v = c.value(r);
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

function roleWords({ role, scores }: HeadRow): string {
  if (!role) return '';
  const which = role.role === 'column' ? ` (${scores.columnKey + 1})` : '';
  return `${roles[role.role]}${which} ${role.score.toFixed(2)}`;
}

/** NaN last in either direction; equal rows stay in the order of layers and heads. */
export function sortRows(rows: readonly HeadRow[], { id, down }: { id: string; down: boolean }): HeadRow[] {
  const sign = down ? -1 : 1;
  if (id === 'head') return down ? rows.toReversed() : [...rows];
  if (id === 'role')
    return rows.toSorted((a, b) => {
      const [x, y] = [a.role?.role ?? '', b.role?.role ?? ''];
      if (!x || !y) return x ? -1 : y ? 1 : 0;
      return sign * x.localeCompare(y) || (b.role?.score ?? 0) - (a.role?.score ?? 0);
    });
  const value = all.find((c) => c.id === id)?.value ?? (() => 0);
  return rows.toSorted((a, b) => {
    const [x, y] = [value(a), value(b)];
    if (Number.isNaN(x) || Number.isNaN(y)) return Number.isNaN(x) ? (Number.isNaN(y) ? 0 : 1) : -1;
    return sign * (x - y);
  });
}
