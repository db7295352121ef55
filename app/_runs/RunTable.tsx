import { useVirtualizer } from '@tanstack/react-virtual';
import { ArrowDown, ArrowUp, ChevronDown, ChevronRight, Copy, GitBranch, MessageSquare } from 'lucide-react';
import Link from 'next/link';
import { Component, memo, type ReactNode, useEffect, useMemo, useRef } from 'react';
import { useSize } from '~/app/_charts/useSize';
import { count } from '~/app/_components/format';
import { Progress } from '~/app/_components/Progress';
import { StatusBadge } from '~/app/_components/StatusBadge';
import type { Actor } from '~/shared/ids';
import type { GroupRow, RunRow, Sparkline } from '~/shared/runTable';
import type { RunSummary } from '~/shared/summary';
import { Changed, type ColumnShown } from './columns';
import { RunMenu } from './RunMenu';
import type { View } from './tableQuery';
import type { TableState } from './tableReader';
import { useSparklines } from './useSparklines';

export interface RowActions {
  onChoose(runs: readonly RunSummary[], chosen: boolean): void;
  /** Narrows the table to runs with this value: adds a search term. */
  onTerm(key: string, value: string): void;
  onAgain(run: RunSummary): void;
  onFold(group: string, folded: boolean): void;
  /** The title of a recipe, by its name. */
  recipeTitle(name: string): string;
}

/** Least width of the name column, px; it gets the width that other columns leave. */
const nameWidth = 250;
/** Greatest useful width, px: beyond it the column, with its checkbox and menu, would be mostly empty. */
const nameMost = 640;
const rowHeight = 54;

/** The runs as a table that draws only the visible lines. */
export function RunTable({
  state,
  view,
  columns: asked,
  chosen,
  you,
  actions,
  onSort,
  onLook,
  onChooseAll,
}: {
  state: TableState & { head: NonNullable<TableState['head']> };
  view: View;
  columns: readonly ColumnShown[];
  chosen: ReadonlyMap<string, RunSummary>;
  you: Actor | null;
  actions: RowActions;
  onSort(key: string): void;
  onLook(from: number, to: number): void;
  onChooseAll(chosen: boolean): void;
}) {
  const scroll = useRef<HTMLDivElement>(null);
  // Assume a desktop width until measured.
  const width = useSize(scroll).width || 1280;
  const columns = useMemo(() => {
    const fitting = asked.filter((c) => c.from <= width);
    // On a wide screen the other columns get wider too.
    const factor = (width - nameMost) / fitting.reduce((sum, c) => sum + c.width, 0);
    return factor > 1 ? fitting.map((c) => ({ ...c, width: Math.round(c.width * factor) })) : fitting;
  }, [asked, width]);
  const { lines, head, stale } = state;
  const virtual = useVirtualizer({
    count: head.lines,
    getScrollElement: () => scroll.current,
    estimateSize: (i) => (lines.get(i)?.kind === 'group' ? 33 : rowHeight),
    getItemKey: (i) => keyOf(lines.get(i), i),
    overscan: 12,
    initialRect: { width: 1280, height: 720 },
  });
  const items = virtual.getVirtualItems();
  const [first, last] = [items[0]?.index ?? 0, items.at(-1)?.index ?? 0];
  useEffect(() => void onLook(first, last), [onLook, first, last]);
  // A new query scrolls the table to the top.
  const question = JSON.stringify([view.search, view.show, view.sort, view.descending, view.group]);
  // scrollTo returns a promise in newer browsers: returned from an effect, React would call it as a cleanup.
  // biome-ignore lint/correctness/useExhaustiveDependencies: when the question changes
  useEffect(() => void scroll.current?.scrollTo({ top: 0 }), [question]);

  const inSight = items.flatMap(({ index }) => {
    const line = lines.get(index);
    return line?.kind === 'run' ? [line.run] : [];
  });
  const sparklines = useSparklines(columns.some((c) => c.key === 'trend') ? inSight : []);
  const above = items[0]?.start ?? 0;
  const below = Math.max(0, virtual.getTotalSize() - (items.at(-1)?.end ?? 0));
  const wide = columns.length + 3;
  const left = (key: string) => asked.some((c) => c.key === key) && !columns.some((c) => c.key === key);
  const [status, changed, step] = [left('status'), left('changed'), left('step')];
  const under = useMemo((): Below => ({ status, changed, step }), [status, changed, step]);
  const all = head.runs > 0 && chosen.size >= head.runs;
  return (
    <section
      ref={scroll}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region must be reachable by keyboard
      tabIndex={0}
      aria-label="Table of runs"
      aria-busy={stale}
      className={`relative min-h-0 flex-1 overflow-auto rounded border border-line bg-panel ${stale ? 'opacity-60' : ''}`}
    >
      <table
        className="w-full table-fixed border-separate border-spacing-0"
        style={{ minWidth: columns.reduce((sum, c) => sum + c.width, narrow(width) ? 220 : nameWidth + 72) }}
        aria-rowcount={head.lines + 1}
      >
        <thead>
          <tr aria-rowindex={1}>
            <th scope="col" className={`${headClass} w-9 px-2`}>
              <input
                type="checkbox"
                aria-label={`Choose all ${count(head.runs)} runs shown`}
                className="size-4 accent-accent"
                ref={(box) => {
                  if (box) box.indeterminate = chosen.size > 0 && !all;
                }}
                checked={all}
                onChange={() => onChooseAll(!all)}
              />
            </th>
            <Heading sortKey="name" title="Run" view={view} onSort={onSort} />
            {columns.map((c) => (
              <Heading
                key={c.key}
                sortKey={c.sorts ? c.key : null}
                title={c.title}
                right={c.right}
                width={c.width}
                view={view}
                onSort={onSort}
              />
            ))}
            <th scope="col" className={`${headClass} right-0 z-20 w-9`}>
              <span className="sr-only">Actions</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {above > 0 && <Space height={above} wide={wide} />}
          {items.map(({ index, key }) => {
            const line = lines.get(index);
            const common = { index, measure: virtual.measureElement };
            if (!line) return <Waiting key={key} {...common} wide={wide} />;
            if (line.kind === 'group') return <Group key={key} {...common} line={line} wide={wide} onFold={actions.onFold} />;
            return (
              <RowBoundary key={key} run={line.run} wide={wide}>
                <Row
                  {...common}
                  row={line}
                  columns={columns}
                  sparkline={sparklines.get(line.run.runId)}
                  chosen={chosen.has(line.run.runId)}
                  you={you}
                  actions={actions}
                  below={under}
                />
              </RowBoundary>
            );
          })}
          {below > 0 && <Space height={below} wide={wide} />}
        </tbody>
      </table>
    </section>
  );
}

/** Values shown under the name because their columns do not fit. */
type Below = { status: boolean; changed: boolean; step: boolean };
const narrow = (width: number): boolean => width < 560;

/** A line that fails to render shows an error; the other lines stay. */
class RowBoundary extends Component<{ run: RunSummary; wide: number; children: ReactNode }, { error: Error | null }> {
  override state = { error: null as Error | null };
  static getDerivedStateFromError(error: unknown) {
    return { error: error instanceof Error ? error : new Error(String(error)) };
  }
  override render() {
    const { run, wide, children } = this.props;
    const { error } = this.state;
    if (!error) return children;
    return (
      <tr>
        <td colSpan={wide} className="border-b border-line/70 px-3 py-1.5" style={{ height: rowHeight }}>
          <Link href={`/runs/${run.runId}`} className="text-accent">
            {run.runId}
          </Link>{' '}
          <span className="text-bad">could not be shown: {error.message}</span>
        </td>
      </tr>
    );
  }
}

const headClass = 'sticky top-0 z-10 border-b border-line bg-panel py-1';

/** A run may appear in several groups: the key includes its position. */
const keyOf = (line: RunRow | GroupRow | undefined, index: number): string =>
  line === undefined ? `place ${index}` : line.kind === 'group' ? `group ${line.key}` : `${line.run.runId} ${index}`;

const Space = ({ height, wide }: { height: number; wide: number }) => (
  <tr aria-hidden>
    <td colSpan={wide} style={{ height, padding: 0 }} />
  </tr>
);

type Measured = { index: number; measure(element: Element | null): void };

const Waiting = ({ index, measure, wide }: Measured & { wide: number }) => (
  <tr ref={measure} data-index={index} aria-rowindex={index + 2} aria-busy>
    <td colSpan={wide} style={{ height: rowHeight }} className="border-b border-line/70 px-3">
      <span className="block h-3 w-64 max-w-full rounded bg-raised" />
    </td>
  </tr>
);

function Group({
  index,
  measure,
  line,
  wide,
  onFold,
}: Measured & { line: GroupRow; wide: number; onFold: RowActions['onFold'] }) {
  const Chevron = line.folded ? ChevronRight : ChevronDown;
  return (
    <tr ref={measure} data-index={index} aria-rowindex={index + 2}>
      <th scope="rowgroup" colSpan={wide} className="border-b border-line bg-raised/70 px-1 py-0.5 text-left font-normal">
        <button
          type="button"
          aria-expanded={!line.folded}
          className="inline-flex min-h-7 max-w-full items-center gap-1.5 rounded px-1 text-left hover:text-accent"
          onClick={() => onFold(line.key, !line.folded)}
        >
          <Chevron aria-hidden size={14} className="shrink-0" />
          <span className="truncate font-semibold">{line.title}</span>
          <span className="shrink-0 text-xs text-dim">
            {count(line.runs)} {line.runs === 1 ? 'run' : 'runs'}
            {line.running > 0 && `, ${count(line.running)} running`}
          </span>
        </button>
      </th>
    </tr>
  );
}

/** A line is rendered again only when its own run, trend or checkbox changes. */
const Row = memo(function Row({
  index,
  measure,
  row,
  columns,
  sparkline,
  chosen,
  you,
  actions,
  below,
}: Measured & {
  row: RunRow;
  columns: readonly ColumnShown[];
  sparkline: Sparkline | undefined;
  chosen: boolean;
  you: Actor | null;
  actions: RowActions;
  below: Below;
}) {
  const { run } = row;
  return (
    <tr
      ref={measure}
      data-index={index}
      aria-rowindex={index + 2}
      aria-selected={chosen}
      className="group/row hover:bg-raised/60"
    >
      <td className="border-b border-line/70 px-2 text-center align-middle">
        <input
          type="checkbox"
          aria-label={`Choose ${run.name}`}
          className="size-4 accent-accent"
          checked={chosen}
          onChange={() => actions.onChoose([run], !chosen)}
        />
      </td>
      <td className="border-b border-line/70 py-1.5 pr-3" style={{ height: rowHeight }}>
        <Name row={row} actions={actions} below={below} />
      </td>
      {columns.map((c) => (
        <td
          key={c.key}
          className={`truncate border-b border-line/70 px-2 py-1.5 align-middle text-xs ${c.right ? 'text-right font-mono' : ''}`}
        >
          {c.cell(row, index, sparkline)}
        </td>
      ))}
      <td className="sticky right-0 border-b border-line/70 bg-panel pr-1 text-right align-middle group-hover/row:bg-raised">
        <RunMenu run={run} you={you} onAgain={actions.onAgain} />
      </td>
    </tr>
  );
});

function Name({ row, actions, below }: { row: RunRow; actions: RowActions; below: Below }) {
  const { run } = row;
  const { onTerm } = actions;
  return (
    <>
      <span className="flex items-center gap-2">
        <Link href={`/runs/${run.runId}`} prefetch={false} className="min-w-0 truncate font-medium hover:text-accent">
          {run.parent && <GitBranch aria-label="branch" size={12} className="mr-1 inline text-dim" />}
          {run.name}
        </Link>
        {below.status && (
          <span className="shrink-0 text-xs">
            <StatusBadge status={run.status} />
          </span>
        )}
      </span>
      <span className="flex max-h-9 flex-wrap items-center gap-x-2 overflow-hidden text-2xs text-dim">
        {run.parent && (
          <span className="max-w-full truncate" title={run.branchChange}>
            from step {count(run.parent.step)}
            {run.branchChange && `: ${run.branchChange}`}
          </span>
        )}
        {run.project !== 'default' && <Label term="project" text={run.project} onClick={onTerm} />}
        {run.group !== undefined && <Label term="group" text={run.group} onClick={onTerm} />}
        {run.recipe && actions.recipeTitle(run.recipe) !== run.name && (
          <span title={run.recipe}>{actions.recipeTitle(run.recipe)}</span>
        )}
        {run.data && <span>{run.data}</span>}
        {run.backend && <span>{run.backend}</span>}
        {run.copyOf && (
          <span className="inline-flex items-center gap-0.5" title={`Imported as a copy of run ${run.copyOf}`}>
            <Copy aria-hidden size={10} /> copy of {run.copyOf}
          </span>
        )}
        {run.tags.map((tag) => (
          <Label key={tag} term="tag" text={tag} onClick={onTerm} />
        ))}
        {below.changed && row.changed.length > 0 && <Changed row={row} />}
        {run.notes?.newest && (
          <span className="inline-flex max-w-full min-w-0 items-center gap-1" title={run.notes.newest}>
            <MessageSquare aria-hidden size={10} className="shrink-0" />
            <span className="sr-only">Notes: </span>
            {run.notes.open > 1 && run.notes.open}
            <span className="max-w-60 truncate">{run.notes.newest}</span>
          </span>
        )}
      </span>
      {below.step && (
        <span className="mt-1 block">
          <Progress step={run.step} total={run.totalSteps} label={`Progress of ${run.name}`} />
        </span>
      )}
    </>
  );
}

/** A label of the run that other runs may share. */
function Label({ term, text, onClick }: { term: string; text: string; onClick(key: string, value: string): void }) {
  return (
    <button
      type="button"
      className="max-w-40 truncate rounded-sm border border-line px-1 hover:text-ink"
      title={`Show only runs of ${term} ${text}`}
      onClick={() => onClick(term, text)}
    >
      {text}
    </button>
  );
}

function Heading({
  sortKey,
  title,
  right = false,
  width,
  view,
  onSort,
}: {
  /** null: the table cannot be sorted by this column. */
  sortKey: string | null;
  title: string;
  right?: boolean;
  /** px; if omitted, the remaining width. */
  width?: number;
  view: View;
  onSort(key: string): void;
}) {
  const active = view.sort === sortKey;
  const Arrow = view.descending ? ArrowDown : ArrowUp;
  const words = 'text-2xs font-semibold tracking-wider uppercase';
  return (
    <th
      scope="col"
      {...(sortKey !== null && { 'aria-sort': active ? (view.descending ? 'descending' : 'ascending') : 'none' })}
      className={`${headClass} ${right ? 'pr-2 pl-1 text-right' : sortKey === 'name' ? 'pr-2 text-left' : 'px-2 text-left'}`}
      style={{ width }}
    >
      {sortKey === null ? (
        <span className={`inline-flex min-h-6 items-center ${words} text-dim`}>{title}</span>
      ) : (
        <button
          type="button"
          title={`Sort by ${title}`}
          className={`inline-flex min-h-6 max-w-full items-center gap-1 font-sans hover:text-ink ${words} ${active ? 'text-ink' : 'text-dim'}`}
          onClick={() => onSort(sortKey)}
        >
          <span className="truncate">{title}</span>
          {active && <Arrow aria-hidden size={11} className="shrink-0" />}
        </button>
      )}
    </th>
  );
}
