import { ArrowDown, ArrowUp, ChevronDown, ChevronRight } from 'lucide-react';
import Link from 'next/link';
import { type RefObject, useEffect, useMemo, useRef, useState } from 'react';
import { flushSync } from 'react-dom';
import { useSize } from '~/app/_charts/useSize';
import { Boundary } from '~/app/_components/Boundary';
import { count } from '~/app/_components/format';
import { LongName } from '~/app/_components/LongName';
import { usePrinting } from '~/app/_components/paper';
import { rowNames } from '~/app/_components/rowNames';
import type { Actor } from '~/shared/ids';
import { counted } from '~/shared/numbers';
import type { GroupRow, RunRow } from '~/shared/runTable';
import type { RunSummary } from '~/shared/summary';
import { type ColumnShown, columnsAt } from './columns';
import { type Below, Row, type RowActions } from './RunRow';
import type { View } from './tableQuery';
import type { TableState } from './tableReader';
import { useSparklines } from './useSparklines';

/** Every line has the same height, px, so that none has to be measured: with one row of labels under the name, or two and the progress. */
const heights = { wide: 56, narrow: 78 };
/** Lines drawn above and below the visible ones; the drawn range moves by `stride` lines. */
const overscan = 6;
const stride = 4;

/** The runs as a table that draws only the visible lines. */
export function RunTable(props: {
  state: TableState & { head: NonNullable<TableState['head']> };
  /** As high as its lines, instead of filling the page and scrolling. */
  whole: boolean;
  view: View;
  columns: readonly ColumnShown[];
  chosen: ReadonlyMap<string, RunSummary>;
  you: Actor | null;
  actions: RowActions;
  onSort(key: string): void;
  onLook(from: number, to: number): void;
  onChooseAll(chosen: boolean): void;
}) {
  const { state, whole, view, columns: asked, chosen, you, actions, onSort, onLook, onChooseAll } = props;
  const scroll = useRef<HTMLDivElement>(null);
  // Assume a desktop width until measured.
  const width = useSize(scroll).width || 1280;
  const { columns, least } = useMemo(() => columnsAt(asked, width), [asked, width]);
  const { lines, head, stale } = state;
  const wide = columns.length + 3;
  const left = (key: string) => asked.some((c) => c.key === key) && !columns.some((c) => c.key === key);
  const [status, changed, step] = [left('status'), left('changed'), left('step')];
  const under = useMemo((): Below => ({ status, changed, step }), [status, changed, step]);
  const height = step ? heights.narrow : heights.wide;
  const [first, last] = useInSight(scroll, head.lines, height);
  const printing = usePrinting();
  const most = Math.min(head.lines, mostPrinted);
  const waits = printing && lines.size < most && !state.error;
  useEffect(() => {
    if (waits) onLook(0, most - 1);
    else onLook(first, last);
  }, [onLook, first, last, waits, most]);
  const items = printing
    ? [...lines.keys()].sort((a, b) => a - b)
    : Array.from({ length: Math.max(0, last - first + 1) }, (_, i) => first + i);
  // A new query scrolls the table to the top.
  const question = JSON.stringify([view.search, view.show, view.sort, view.descending, view.group]);
  // scrollTo returns a promise in newer browsers: returned from an effect, React would call it as a cleanup.
  // biome-ignore lint/correctness/useExhaustiveDependencies: when the question changes
  useEffect(() => void scroll.current?.scrollTo({ top: 0 }), [question]);

  const drawn = items.flatMap((index) => {
    const line = lines.get(index);
    return line?.kind === 'run' ? [{ index, run: line.run }] : [];
  });
  const inSight = drawn.map((d) => d.run);
  const words = rowNames(
    inSight.map((run) => run.name),
    (i) => `line ${drawn[i]!.index + 1}`,
  );
  const names = new Map(drawn.map(({ index }, i) => [index, words[i]!]));
  const sparklines = useSparklines(columns.some((c) => c.key === 'trend') ? inSight : []);
  const above = printing ? 0 : first * height;
  const below = printing ? 0 : (head.lines - 1 - last) * height;
  // Runs that another search showed stay chosen.
  const all =
    head.runs > 0 &&
    chosen.size >= head.runs &&
    [...lines.values()].every((line) => line.kind !== 'run' || chosen.has(line.run.runId));
  return (
    <section
      ref={scroll}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region must be reachable by keyboard
      tabIndex={0}
      aria-label="Table of runs"
      aria-busy={stale}
      className={`relative overflow-auto rounded ${whole ? 'shrink-0' : 'min-h-0 flex-1'} border border-line bg-panel ${stale ? 'opacity-60 transition-opacity delay-300' : ''}`}
      style={{ '--line': `${height}px` } as React.CSSProperties}
    >
      <table
        className="w-full table-fixed border-separate border-spacing-0"
        style={{ minWidth: least }}
        aria-rowcount={head.lines + 1}
      >
        <thead>
          <tr aria-rowindex={1}>
            <th scope="col" className={`${headClass} w-9 px-2`}>
              <input
                type="checkbox"
                aria-label={`Choose all ${count(head.runs)} runs shown`}
                className="mx-auto block size-4"
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
          {items.map((index) => {
            const line = lines.get(index);
            const key = keyOf(line, index);
            if (!line) return <Waiting key={key} index={index} wide={wide} />;
            if (line.kind === 'group') return <Group key={key} index={index} line={line} wide={wide} onFold={actions.onFold} />;
            return (
              <Boundary key={key} failed={(error) => <FailedLine runId={line.run.runId} error={error} wide={wide} />}>
                <Row
                  index={index}
                  name={names.get(index)!}
                  row={line}
                  columns={columns}
                  sparkline={sparklines.get(line.run.runId)}
                  chosen={chosen.has(line.run.runId)}
                  you={you}
                  actions={actions}
                  below={under}
                  stays={least > width}
                />
              </Boundary>
            );
          })}
          {below > 0 && <Space height={below} wide={wide} />}
        </tbody>
      </table>
      {printing && lines.size < head.lines && (
        <p className="p-2" data-waits={waits || undefined}>
          {count(lines.size)} of {count(head.lines)} lines.
          {waits && ' The others had not been read: press Ctrl P on the page to print all.'}
        </p>
      )}
    </section>
  );
}

/** Most lines that are printed: all that have been read; the keys for printing read the others first. */
const mostPrinted = 2_000;

/** First and last of the lines to draw around the visible ones. */
function useInSight(scroll: RefObject<HTMLElement | null>, lines: number, height: number): [first: number, last: number] {
  // Before the first layout, a screenful.
  const shown = Math.ceil((useSize(scroll).height || 720) / height);
  const [top, setTop] = useState(0);
  useEffect(() => {
    const element = scroll.current;
    if (!element) return;
    const look = () => setTop(Math.floor(element.scrollTop / height / stride) * stride);
    // Within the frame of the scroll event: otherwise a fast scroll shows empty lines.
    const onScroll = () => flushSync(look);
    look();
    element.addEventListener('scroll', onScroll, { passive: true });
    return () => element.removeEventListener('scroll', onScroll);
  }, [scroll, height]);
  return [Math.max(0, Math.min(top, lines - 1) - overscan), Math.min(lines - 1, top + shown + stride + overscan)];
}

/** In place of a line that failed to render. */
const FailedLine = ({ runId, error, wide }: { runId: string; error: Error; wide: number }) => (
  <tr>
    <td colSpan={wide} className="h-(--line) border-b border-line/70 px-3 py-1.5">
      <Link href={`/runs/${runId}`} className="text-accent">
        {runId}
      </Link>{' '}
      <span className="text-bad">could not be shown: {error.message}</span>
    </td>
  </tr>
);

const headClass = 'sticky top-0 z-10 border-b border-line bg-panel py-1';

/** A run may appear in several groups: the key includes its position. */
const keyOf = (line: RunRow | GroupRow | undefined, index: number): string =>
  line === undefined ? `place ${index}` : line.kind === 'group' ? `group ${line.key}` : `${line.run.runId} ${index}`;

const Space = ({ height, wide }: { height: number; wide: number }) => (
  <tr aria-hidden>
    <td colSpan={wide} style={{ height, padding: 0 }} />
  </tr>
);

const Waiting = ({ index, wide }: { index: number; wide: number }) => (
  <tr aria-rowindex={index + 2} aria-busy>
    <td colSpan={wide} className="h-(--line) border-b border-line/70 px-3">
      <span className="block h-3 w-64 max-w-full rounded bg-raised" />
    </td>
  </tr>
);

function Group(props: { index: number; line: GroupRow; wide: number; onFold: RowActions['onFold'] }) {
  const { index, line, wide, onFold } = props;
  const Chevron = line.folded ? ChevronRight : ChevronDown;
  return (
    <tr aria-rowindex={index + 2}>
      <th
        scope="rowgroup"
        colSpan={wide}
        className="h-(--line) border-b border-line bg-raised/70 px-1 text-left align-middle font-normal"
      >
        <button
          type="button"
          aria-expanded={!line.folded}
          className="inline-flex min-h-7 max-w-full items-center gap-1.5 rounded px-1 text-left hover:text-accent"
          onClick={() => onFold(line.key, !line.folded)}
        >
          <Chevron aria-hidden size={14} className="shrink-0" />
          <span className="truncate font-semibold">{line.title}</span>
          <span className="shrink-0 text-xs text-dim">
            {counted(line.runs, 'run')}
            {line.running > 0 && `, ${count(line.running)} running`}
          </span>
        </button>
      </th>
    </tr>
  );
}

function Heading(props: {
  /** null: the table cannot be sorted by this column. */
  sortKey: string | null;
  title: string;
  right?: boolean;
  /** px; if omitted, the remaining width. */
  width?: number;
  view: View;
  onSort(key: string): void;
}) {
  const { sortKey, title, right = false, width, view, onSort } = props;
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
          <LongName title={null}>{title}</LongName>
          {active && <Arrow aria-hidden size={11} className="shrink-0" />}
        </button>
      )}
    </th>
  );
}
