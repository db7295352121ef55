'use client';

import { Plus } from 'lucide-react';
import Link from 'next/link';
import { useRouter } from 'next/navigation';
import { Suspense, useCallback, useEffect, useMemo, useState } from 'react';
import { Button } from '~/app/_components/Button';
import { count } from '~/app/_components/format';
import { LinkState } from '~/app/_components/LinkState';
import { Awaited, later, Opening } from '~/app/_components/later';
import { PageTools } from '~/app/_components/PageTools';
import { onPaper } from '~/app/_components/paper';
import { PageHeader } from '~/app/_components/TopBar';
import { useRecipes } from '~/app/_live/recipes';
import { toast } from '~/app/_live/toast';
import { useRunList } from '~/app/_live/useRunList';
import { describeError } from '~/app/_trpc/client';
import { withTerm } from '~/shared/runSearch';
import type { RunSummary } from '~/shared/summary';
import { asNow } from './chosenRuns';
import { columnsOf } from './columns';
import { ImportButton } from './ImportButton';
import { Loading, Message, Notices } from './ListStates';
import { ListToolbar } from './ListToolbar';
import type { RunDialog } from './RunActions';
import type { RowActions } from './RunRow';
import { RunTable } from './RunTable';
import { sortedBy } from './tableQuery';
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
const SweepCharts = later(() => import('./SweepCharts').then((m) => ({ default: m.SweepCharts })));
const Welcome = later(() => import('./Welcome').then((m) => ({ default: m.Welcome })));

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
    <div className={`flex h-dvh flex-col ${onPaper}`}>
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
      <div className="flex min-h-0 flex-1 print:block">
        {!empty && (
          <aside
            aria-label="Views"
            className="hidden w-56 shrink-0 overflow-y-auto border-r border-line p-3 2xl:block print:hidden"
          >
            <Views view={view} onView={setView} />
          </aside>
        )}
        <main id="main" className="flex min-h-0 min-w-0 flex-1 flex-col px-2 py-2 sm:px-4 print:block">
          <div className="mb-2 flex flex-wrap items-center gap-2">
            <h1 className="mr-auto text-base font-semibold sm:mr-1">
              Runs {head !== null && !empty && <span className="text-xs font-normal text-dim">{count(head.runs)}</span>}
            </h1>
            {!empty && <ListToolbar view={view} setView={setView} search={search} problems={head?.problems ?? []} />}
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
          <Notices shelf={view.show} link={link} error={state.error} onAgain={reader.again} />
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
          ) : head.lines === 0 && view.search === '' && view.show === 'all' ? (
            <Message title="Every run is archived" text="This list leaves archived runs out. They are kept.">
              <Button onClick={() => setView((v) => ({ ...v, show: 'archived' }))}>Show archived runs</Button>
            </Message>
          ) : head.lines === 0 ? (
            <Message title="Nothing fits" text="No run fits the search and the filter.">
              <Button onClick={() => setView((v) => ({ ...v, search: '', show: 'all' }))}>Show all runs</Button>
            </Message>
          ) : (
            <div className="flex min-h-0 flex-1 flex-col overflow-y-auto print:block">
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

/** The runs of the server, if it made all of them itself as demonstrations, those to be seen first; else none. */
function onlyDemos({ head, lines }: TableState): readonly RunSummary[] {
  const runs = [...lines.values()].flatMap((line) => (line.kind === 'run' ? [line.run] : []));
  if (head?.all !== runs.length || !runs.every((run) => run.createdBy.role === 'system' && !run.trashed)) return [];
  // A queued run has nothing to see yet.
  return runs.sort((a, b) => Number(a.status === 'queued') - Number(b.status === 'queued'));
}
