'use client';

import { ArrowDown, ArrowUp, ChartSpline, Columns3, Plus, Search, Table2 } from 'lucide-react';
import Link from 'next/link';
import { useRouter } from 'next/navigation';
import { Suspense, useCallback, useEffect, useMemo, useState } from 'react';
import { Button } from '~/app/_components/Button';
import { inputClass, Select } from '~/app/_components/Field';
import { count } from '~/app/_components/format';
import { LinkState } from '~/app/_components/LinkState';
import { Awaited, later, Opening } from '~/app/_components/later';
import { PageTools } from '~/app/_components/PageTools';
import { Popup } from '~/app/_components/Popup';
import { Segments } from '~/app/_components/Segments';
import { PageHeader } from '~/app/_components/TopBar';
import { useRecipes } from '~/app/_live/recipes';
import { toast } from '~/app/_live/toast';
import { useRunList } from '~/app/_live/useRunList';
import { describeError } from '~/app/_trpc/client';
import { withTerm } from '~/shared/runSearch';
import { groupings, shelves } from '~/shared/runTable';
import type { RunSummary } from '~/shared/summary';
import { asNow } from './chosenRuns';
import { columnsOf, fixedColumns } from './columns';
import { ImportButton } from './ImportButton';
import type { RunDialog } from './RunActions';
import type { RowActions } from './RunRow';
import { RunTable } from './RunTable';
import { sortedBy, type View } from './tableQuery';
import type { TableState } from './tableReader';
import { useCatalog } from './useCatalog';
import { useSearchKey } from './useSearchKey';
import { useTable } from './useTable';
import { useView } from './useView';
import { Views } from './Views';

const NewRunDialog = later(() => import('./NewRunDialog').then((m) => ({ default: m.NewRunDialog })));
const RunDialogs = later(() => import('./RunActions').then((m) => ({ default: m.RunDialogs })));
const Chosen = later(() => import('./Chosen').then((m) => ({ default: m.Chosen })));
const Trainers = later(() => import('./Trainers').then((m) => ({ default: m.Trainers })));
const ColumnChooser = later(() => import('./ColumnChooser').then((m) => ({ default: m.ColumnChooser })));
const SweepCharts = later(() => import('./SweepCharts').then((m) => ({ default: m.SweepCharts })));
const Welcome = later(() => import('./Welcome').then((m) => ({ default: m.Welcome })));
const SearchHelp = later(() => import('./SearchHelp').then((m) => ({ default: m.SearchHelp })));

/** Initial values of the new-run form: the defaults, or those of another run. */
type Form = { again: RunSummary | null };

/** The start page: all runs, as a table or as charts. */
export function RunList() {
  const [form, setForm] = useState<Form | null>(null);
  const { view, setView } = useView(useCallback(() => setForm({ again: null }), []));
  const { state, reader, choose: readAll } = useTable(view);
  const [chosen, setChosen] = useState<ReadonlyMap<string, RunSummary>>(new Map());
  const onRuns = useCallback(
    (runs: RunSummary[]) => {
      reader.changed(runs);
      setChosen((before) => asNow(before, runs));
    },
    [reader],
  );
  const { link, error, trainers, you, connection } = useRunList(onRuns);
  // After a broken connection the visible lines may be out of date.
  useEffect(() => {
    if (connection > 1) reader.again();
  }, [reader, connection]);
  const search = useSearchKey();
  const router = useRouter();
  const mayStart = you !== null && you.role !== 'viewer';

  const choose = useCallback((runs: readonly RunSummary[], on: boolean) => {
    setChosen((before) => {
      const next = new Map(before);
      for (const run of runs) {
        if (on) next.set(run.runId, run);
        else next.delete(run.runId);
      }
      return next;
    });
  }, []);
  const [dialog, setDialog] = useState<{ run: RunSummary; open: RunDialog } | null>(null);
  const recipes = useRecipes(useMemo(() => ['any'], []));
  const actions = useMemo(
    (): RowActions => ({
      onChoose: choose,
      onTerm: (key, value) => setView((v) => ({ ...v, search: withTerm(v.search, key, value) })),
      onAgain: (run) => setForm({ again: run }),
      onDialog: (run, open) => setDialog({ run, open }),
      onFold: (group, folded) =>
        setView((v) => ({ ...v, folded: folded ? [...v.folded, group] : v.folded.filter((g) => g !== group) })),
      recipeTitle: (name) => recipes.get(name)?.title ?? name,
    }),
    [choose, setView, recipes],
  );
  const { titles } = useCatalog(view.columns.some((key) => key.includes('.')));
  const columns = useMemo(() => columnsOf(view.columns, titles), [view.columns, titles]);
  const onSort = useCallback((key: string) => setView((v) => sortedBy(v, key)), [setView]);
  const { head } = state;
  const empty = head !== null && head.all === 0 && view.show !== 'trash';
  const demos = useMemo(() => onlyDemos(state), [state]);
  const welcome = (
    <Suspense fallback={empty ? <Loading /> : null}>
      <Welcome
        trainers={trainers}
        you={you}
        demos={demos}
        onNew={() => setForm({ again: null })}
        onStarted={(runId) => router.push(`/runs/${runId}`)}
      />
    </Suspense>
  );

  return (
    <div className="flex h-dvh flex-col">
      <PageHeader skip>
        <div className="ml-auto flex items-center gap-3">
          <Suspense fallback={null}>{head && <Trainers trainers={trainers} waiting={head.waiting} you={you} />}</Suspense>
          <Link href="/team" className="inline-flex min-h-6 items-center text-xs text-dim hover:text-ink">
            Team
          </Link>
          <LinkState link={link} error={error} />
          <PageTools />
        </div>
      </PageHeader>
      <div className="flex min-h-0 flex-1">
        {!empty && (
          <aside aria-label="Views" className="hidden w-56 shrink-0 overflow-y-auto border-r border-line p-3 2xl:block">
            <Views view={view} onView={setView} />
          </aside>
        )}
        <main id="main" className="flex min-h-0 min-w-0 flex-1 flex-col px-2 py-2 sm:px-4">
          <div className="mb-2 flex flex-wrap items-center gap-2">
            <h1 className="mr-auto text-base font-semibold sm:mr-1">
              Runs {head !== null && !empty && <span className="text-xs font-normal text-dim">{count(head.runs)}</span>}
            </h1>
            {!empty && <Toolbar view={view} setView={setView} search={search} problems={head?.problems ?? []} />}
            <span className="flex gap-2 sm:ml-auto">
              <ImportButton you={you} />
              <Button
                look="primary"
                disabled={!mayStart}
                title={you && !mayStart ? `${you.name} (${you.role}) may not start runs` : undefined}
                onClick={() => setForm({ again: null })}
              >
                <Plus aria-hidden size={14} />
                New run
              </Button>
            </span>
          </div>
          {chosen.size > 0 && (
            <Suspense fallback={<Opening />}>
              <Chosen
                runs={[...chosen.values()]}
                you={you}
                columns={columns}
                onClear={() => setChosen(new Map())}
                onDone={(runs) => choose(runs, false)}
                onChanged={reader.again}
              />
            </Suspense>
          )}
          {view.show === 'trash' && (
            <p className="mb-2 text-xs text-dim">Deleted runs are kept for 30 days; then they are gone for good.</p>
          )}
          {link === 'reconnecting' && (
            <p role="alert" className="mb-2 rounded border border-warn/50 bg-warn/10 px-3 py-1.5 text-warn">
              The connection to the server broke. The list may be old; it is fetched again on return.
            </p>
          )}
          {state.error && link !== 'reconnecting' && (
            <p role="alert" className="mb-2 rounded border border-bad/50 bg-bad/10 px-3 py-1.5 text-bad">
              The list could not be read: {state.error}{' '}
              <button type="button" className="underline" onClick={reader.again}>
                Try again
              </button>
            </p>
          )}
          {link === 'refused' && !head ? (
            <Message title="The server does not let this page in" text={error ?? ''} />
          ) : !head ? (
            !state.error && <Loading />
          ) : empty ? (
            <div className="min-h-0 flex-1 overflow-y-auto">{welcome}</div>
          ) : view.as === 'charts' ? (
            <Suspense fallback={<Awaited>Reading the runs…</Awaited>}>
              <SweepCharts view={view} setView={setView} />
            </Suspense>
          ) : head.lines === 0 ? (
            <Message title="Nothing fits" text="No run fits the search and the filter.">
              <Button onClick={() => setView((v) => ({ ...v, search: '', show: 'all' }))}>Show all runs</Button>
            </Message>
          ) : (
            <div className="flex min-h-0 flex-1 flex-col overflow-y-auto">
              <RunTable
                state={{ ...state, head }}
                whole={demos.length > 0}
                view={view}
                columns={columns}
                chosen={chosen}
                you={you}
                actions={actions}
                onSort={onSort}
                onLook={reader.look}
                onChooseAll={(on) => {
                  if (!on) setChosen(new Map());
                  else
                    readAll().then(
                      (runs) => choose(runs, true),
                      (error) => toast.error(`No run was chosen: ${describeError(error).message}`),
                    );
                }}
              />
              {demos.length > 0 && welcome}
            </div>
          )}
        </main>
      </div>
      {dialog && you && (
        <Suspense fallback={<Opening />}>
          <RunDialogs {...dialog} you={you} onClose={() => setDialog(null)} />
        </Suspense>
      )}
      {form && (
        <Suspense fallback={<Opening />}>
          <NewRunDialog open again={form.again} you={you} onClose={() => setForm(null)} trainers={trainers} />
        </Suspense>
      )}
    </div>
  );
}

/** The runs of the server, if it made all of them itself as demonstrations; else none. */
function onlyDemos({ head, lines }: TableState): readonly RunSummary[] {
  const runs = [...lines.values()].flatMap((line) => (line.kind === 'run' ? [line.run] : []));
  return head?.all === runs.length && runs.every((run) => run.createdBy.role === 'system' && !run.trashed) ? runs : [];
}

const shelfWords = { all: 'all runs', active: 'going on', ended: 'ended', archived: 'archived', trash: 'trash' } as const;
const groupWords = {
  none: 'not grouped',
  project: 'by project',
  group: 'by group',
  tag: 'by tag',
  family: 'by family',
  sweep: 'by sweep',
} as const;

function Toolbar(props: {
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

function Message({ title, text, children }: { title: string; text: string; children?: React.ReactNode }) {
  return (
    <div className="rounded border border-line bg-panel px-4 py-14 text-center">
      <p className="font-medium">{title}</p>
      <p className="mb-3 text-dim">{text}</p>
      {children}
    </div>
  );
}

function Loading() {
  return (
    <div aria-busy className="min-h-0 flex-1 space-y-2 rounded border border-line bg-panel p-3">
      <span className="sr-only">Reading the runs</span>
      {[0, 1, 2].map((i) => (
        <div key={i} className="h-8 animate-pulse rounded bg-raised" />
      ))}
    </div>
  );
}
