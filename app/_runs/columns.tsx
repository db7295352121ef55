import { Eye } from 'lucide-react';
import type { ReactNode } from 'react';
import { Ago } from '~/app/_components/Ago';
import { count, measured, percent } from '~/app/_components/format';
import { Progress } from '~/app/_components/Progress';
import { StatusBadge } from '~/app/_components/StatusBadge';
import type { Term } from '~/app/_components/terms';
import type { Cell, RunRow, Sparkline } from '~/shared/runTable';
import { bare } from '~/shared/schemaWords';
import type { MainResult, RunSummary } from '~/shared/summary';
import { SparklineChart } from './SparklineChart';

export interface ColumnShown {
  key: string;
  title: string;
  /** false: the table cannot be sorted by the column, since its order would mean nothing. */
  sorts: boolean;
  /** px */
  width: number;
  right: boolean;
  /** A table narrower than this (px) omits the column. */
  from: number;
  /** Term that a "?" in the column chooser explains. */
  term?: Term;
  cell(row: RunRow, at: number, sparkline: Sparkline | undefined): ReactNode;
}

const text = (
  key: string,
  title: string,
  width: number,
  cell: ColumnShown['cell'],
  more: Partial<ColumnShown> = {},
): ColumnShown => ({
  key,
  title,
  sorts: true,
  width,
  right: false,
  from: 720,
  cell,
  ...more,
});
const number = (key: string, title: string, width: number, cell: ColumnShown['cell'], more: Partial<ColumnShown> = {}) =>
  text(key, title, width, cell, { right: true, ...more });

/** The columns that every run has, in the order of the chooser. */
export const fixedColumns: readonly ColumnShown[] = [
  text('status', 'Status', 112, ({ run }) => <StatusBadge status={run.status} />, { from: 560 }),
  text('trend', 'Trend', 116, (_row, _at, line) => <SparklineChart line={line} />, { sorts: false, term: 'mainMetric', from: 0 }),
  number('step', 'Step', 132, ({ run }) => <Steps row={run} />, { term: 'step' }),
  number('loss', 'Loss', 84, ({ run }) => <Value value={run.loss} />, { term: 'loss', from: 1050 }),
  number('accuracy', 'Accuracy', 88, ({ run }) => <Value value={run.accuracy} share />, { term: 'accuracy' }),
  number('best', 'Best', 136, ({ run }) => <Result of={run.best} />, { term: 'best', from: 820 }),
  number('evaluated', 'Newest result', 136, ({ run }) => <Result of={run.evaluated} />, { term: 'evaluation', from: 1190 }),
  text('changed', 'Changed settings', 220, (row) => <Changed row={row} />, {
    sorts: false,
    term: 'preset',
    from: 1500,
  }),
  number('createdAt', 'Started', 148, ({ run }) => <Started run={run} />, { from: 970 }),
  number('watchers', 'Watching', 92, ({ run }) => <Watching n={run.watchers} />, { from: 1400 }),
  text('recipe', 'Recipe', 112, ({ run }) => run.recipe ?? '–', { term: 'recipe' }),
  text('project', 'Project', 112, ({ run }) => run.project, { term: 'project' }),
  text('group', 'Group', 140, ({ run }) => run.group ?? '–', { term: 'group' }),
  text('tag', 'Tags', 140, ({ run }) => run.tags.join(', ') || '–', { sorts: false, term: 'tag' }),
  text('backend', 'Backend', 100, ({ run }) => run.backend ?? '–', { term: 'backend' }),
  text('id', 'Run id', 104, ({ run }) => <span className="font-mono">{run.runId}</span>, { sorts: false }),
];
const byKey = new Map(fixedColumns.map((c) => [c.key, c]));

/** The columns with these keys. @param titles of settings, series and results, as far as known */
export function columnsOf(keys: readonly string[], titles: ReadonlyMap<string, string>): ColumnShown[] {
  const chosen = keys.filter((key) => !byKey.has(key));
  return keys.map((key) => {
    const fixed = byKey.get(key);
    if (fixed) return fixed;
    const at = chosen.indexOf(key);
    const title = titles.get(key) ?? key.slice(key.indexOf('.') + 1);
    return number(
      key,
      title,
      Math.min(200, Math.max(88, 30 + 7 * title.length)),
      (row) => <CellValue cell={row.cells[at] ?? null} />,
      {
        from: 0,
      },
    );
  });
}

/** Least width of the name column with its checkbox and menu, px; it gets the width that other columns leave. */
const nameLeast = (width: number): number => (width < 560 ? 220 : 322);
/** Greatest useful width of the name column, px: beyond it the column would be mostly empty. */
const nameMost = 640;

/**
 * The columns that a table of this width (px) shows, and the least width that it needs for them: a wider one scrolls. On a wide screen all
 * columns get wider.
 */
export function columnsAt(asked: readonly ColumnShown[], width: number): { columns: readonly ColumnShown[]; least: number } {
  const columns = asked.filter((c) => c.from <= width);
  const sum = columns.reduce((all, c) => all + c.width, 0);
  const factor = (width - nameMost) / sum;
  if (factor <= 1) return { columns, least: sum + nameLeast(width) };
  const widened = columns.map((c) => ({ ...c, width: Math.round(c.width * factor) }));
  return { columns: widened, least: width };
}

/** Keys of columns that the server fills in (`cells` of its rows), in their order. */
export const askedColumns = (keys: readonly string[]): string[] => keys.filter((key) => !byKey.has(key));

/** A value that is not finite is highlighted. */
export function Value({ value, share = false }: { value: number | null; share?: boolean }) {
  const words = share ? percent(value) : measured(value);
  return value !== null && !Number.isFinite(value) ? <span className="font-semibold text-bad">{words}</span> : words;
}

function CellValue({ cell }: { cell: Cell }) {
  if (typeof cell === 'number') return Number.isInteger(cell) && Math.abs(cell) < 1e6 ? count(cell) : <Value value={cell} />;
  if (cell === null) return <span className="text-dim">–</span>;
  const words = Array.isArray(cell) ? cell.map(bare).join(', ') : bare(cell);
  return <span title={words}>{words}</span>;
}

/** A long name is cut, not the time. */
const Started = ({ run }: { run: RunSummary }) => (
  <span className="flex justify-end font-sans text-dim">
    <span className="truncate" title={run.createdBy.name}>
      {run.createdBy.name}
    </span>
    <span className="shrink-0 whitespace-pre">
      , <Ago at={run.createdAt} suffix=" ago" />
    </span>
  </span>
);

/** The main result of an evaluation, with its split. */
function Result({ of }: { of: MainResult | null }) {
  if (!of) return <span className="text-dim">–</span>;
  return (
    <span title={of.split === null ? of.name : `${of.name} on ${of.split}`}>
      <Value value={of.value} share={of.share} />{' '}
      <span className="inline-block max-w-20 truncate align-bottom font-sans text-2xs text-dim">{of.split ?? of.name}</span>
    </span>
  );
}

/** Settings that differ from the recipe's first preset. */
export function Changed({ row }: { row: RunRow }) {
  return (
    <span className="flex flex-wrap gap-1 font-sans text-2xs whitespace-normal">
      {row.changed.map(({ path, text: words }) => (
        <span
          key={path}
          title={`${path}: changed from the preset`}
          className="max-w-full truncate rounded-sm bg-raised px-1 text-ink"
        >
          {words}
        </span>
      ))}
      {row.changedMore > 0 && <span className="text-dim">+{row.changedMore}</span>}
    </span>
  );
}

function Steps({ row: run }: { row: RunRow['run'] }) {
  return (
    <span className="block truncate" title={count(run.step)}>
      {count(run.step)}
      {run.totalSteps > 0 && <span className="text-dim"> / {count(run.totalSteps)}</span>}
      {run.totalSteps > 0 && <Progress step={run.step} total={run.totalSteps} label={`Progress of ${run.name}`} />}
    </span>
  );
}

function Watching({ n }: { n: number }) {
  if (n === 0) return <span className="text-dim">–</span>;
  return (
    <span className="inline-flex items-center justify-end gap-1">
      <Eye aria-hidden size={12} className="text-dim" />
      {n}
    </span>
  );
}
