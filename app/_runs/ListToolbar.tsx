import { ArrowDown, ArrowUp, ChartSpline, Columns3, Search, Table2 } from 'lucide-react';
import { Suspense } from 'react';
import { Button } from '~/app/_components/Button';
import { inputClass, Select } from '~/app/_components/Field';
import { Awaited, later } from '~/app/_components/later';
import { Popup } from '~/app/_components/Popup';
import { Segments } from '~/app/_components/Segments';
import { groupings, shelves } from '~/shared/runTable';
import { fixedColumns } from './columns';
import type { View } from './tableQuery';
import type { useSearchKey } from './useSearchKey';
import { Views } from './Views';

const ColumnChooser = later(() => import('./ColumnChooser').then((m) => ({ default: m.ColumnChooser })));
const SearchHelp = later(() => import('./SearchHelp').then((m) => ({ default: m.SearchHelp })));

const shelfWords = { all: 'all runs', active: 'going on', ended: 'ended', archived: 'archived', trash: 'trash' } as const;
const groupWords = {
  none: 'not grouped',
  project: 'by project',
  group: 'by group',
  tag: 'by tag',
  family: 'by family',
  sweep: 'by sweep',
} as const;

/** Search, filter, grouping, columns and views of the list of runs. */
export function ListToolbar(props: {
  view: View;
  setView(change: (view: View) => View): void;
  search: ReturnType<typeof useSearchKey>;
  problems: readonly string[];
}) {
  const { view, setView, search, problems } = props;
  const set = (change: Partial<View>) => setView((v) => ({ ...v, ...change }));
  // Charts have no groups, columns or order.
  const table = view.as === 'table';
  return (
    <>
      <span className="order-2 flex min-w-32 flex-1 basis-full items-center sm:order-none sm:max-w-96 sm:basis-0">
        <label className="relative min-w-0 flex-1">
          <Search aria-hidden size={13} className="absolute top-2 left-2 text-dim" />
          <input
            ref={search}
            type="search"
            aria-label="Search runs"
            aria-keyshortcuts="/"
            aria-invalid={problems.length > 0 ? true : undefined}
            aria-describedby={problems.length > 0 ? 'search-problems' : undefined}
            placeholder="words, recipe:text, lr>1e-4, tag:paper   /"
            className={`${inputClass} pl-7 font-sans`}
            value={view.search}
            onChange={(e) => set({ search: e.target.value })}
          />
        </label>
        <Popup
          title="Searching"
          label="How to search"
          wide
          className="size-7 shrink-0 justify-center text-dim"
          trigger={<span aria-hidden>?</span>}
        >
          <Suspense fallback={<Awaited>Loading…</Awaited>}>
            <SearchHelp />
          </Suspense>
        </Popup>
      </span>
      <Select
        aria-label="Which runs"
        className="order-2 w-auto! font-sans sm:order-none"
        options={shelves.map((value) => ({ value, text: shelfWords[value] }))}
        value={view.show}
        onPick={(show) => set({ show })}
      />
      {table && (
        <Select
          aria-label="Grouping"
          className="order-2 w-auto! font-sans sm:order-none"
          options={groupings.map((value) => ({ value, text: groupWords[value] }))}
          value={view.group}
          onPick={(group) => set({ group, folded: [] })}
        />
      )}
      <span className={`order-2 gap-1 sm:hidden ${table ? 'flex' : 'hidden'}`}>
        <Select
          aria-label="Sort by"
          className="w-auto font-sans"
          options={[
            { value: 'name', text: 'Name' },
            ...fixedColumns.filter((c) => c.sorts).map((c) => ({ value: c.key, text: c.title })),
          ]}
          value={view.sort}
          onPick={(sort) => set({ sort })}
        />
        <Button
          size="icon"
          aria-label={view.descending ? 'Sorted down; sort up' : 'Sorted up; sort down'}
          onClick={() => set({ descending: !view.descending })}
        >
          {view.descending ? <ArrowDown aria-hidden size={13} /> : <ArrowUp aria-hidden size={13} />}
        </Button>
      </span>
      <span className="order-2 flex items-center gap-2 sm:order-none">
        {table && (
          <Popup
            title="Columns"
            label="Choose columns"
            wide
            className="size-7 justify-center border border-line bg-raised hover:border-dim"
            trigger={<Columns3 aria-hidden size={14} />}
          >
            <Suspense fallback={<Awaited>Reading the columns…</Awaited>}>
              <ColumnChooser chosen={view.columns} onChange={(columns) => set({ columns })} />
            </Suspense>
          </Popup>
        )}
        <span className="2xl:hidden">
          <Popup title="Views" className="h-7 border border-line bg-raised px-2.5 font-medium hover:border-dim" trigger="Views">
            <Views view={view} onView={setView} />
          </Popup>
        </span>
        <Segments
          label="Show as"
          options={[
            { value: 'table', label: <Table2 aria-hidden size={14} />, title: 'Table' },
            { value: 'charts', label: <ChartSpline aria-hidden size={14} />, title: 'Charts: settings against results' },
          ]}
          value={view.as}
          onChange={(as) => set({ as: as === 'charts' ? 'charts' : 'table' })}
        />
      </span>
      {problems.length > 0 && (
        <p id="search-problems" role="status" className="order-3 w-full text-xs text-bad">
          {problems.join('; ')}
        </p>
      )}
    </>
  );
}
