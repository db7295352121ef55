'use client';

import { ArrowDown, ArrowUp, Plus, Search } from 'lucide-react';
import Link from 'next/link';
import { type RefObject, useCallback, useDeferredValue, useEffect, useMemo, useRef, useState } from 'react';
import { Button } from '~/app/_components/Button';
import { inputClass, Select } from '~/app/_components/Field';
import { LinkState } from '~/app/_components/LinkState';
import { ThemeToggle, TopBar } from '~/app/_components/TopBar';
import { useRunList } from '~/app/_live/useRunList';
import { Chosen } from '~/app/_run/shell/Chosen';
import { ImportButton } from './ImportButton';
import { NewRunDialog } from './NewRunDialog';
import { RunTable } from './RunTable';
import { Trainers } from './Trainers';
import {
  defaultQuery,
  fromParams,
  type SortKey,
  shelves,
  sortedBy,
  sortKeys,
  sortWords,
  type TableQuery,
  toParams,
  visibleRuns,
} from './tableQuery';

const atOnce = 100;

export function RunList() {
  const { link, error, runs, trainers, you } = useRunList();
  const [query, showQuery] = useState<TableQuery>(defaultQuery);
  useEffect(() => showQuery(fromParams(location.search)), []);
  const setQuery = (next: TableQuery) => {
    showQuery(next);
    const params = toParams(next);
    history.replaceState(history.state, '', params ? `/?${params}` : '/');
  };
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const [dialog, setDialog] = useState(false);
  const [limit, setLimit] = useState(atOnce);
  // Typing goes on while a long table is drawn.
  const drawn = useDeferredValue(query);
  const rows = useMemo(() => visibleRuns(runs ?? [], drawn), [runs, drawn]);
  const mayStart = you !== null && you.role !== 'viewer';

  const sort = (key: SortKey) => setQuery(sortedBy(query, key));
  const choose = useCallback((runIds: string[], on: boolean) => {
    setChosen((before) => {
      const next = new Set(before);
      for (const id of runIds) {
        if (on) next.add(id);
        else next.delete(id);
      }
      return next;
    });
  }, []);
  const latest = useRef(setQuery);
  latest.current = setQuery;
  const asked = useRef(query);
  asked.current = query;
  const showTag = useCallback((tag: string) => latest.current({ ...asked.current, search: tag }), []);
  const search = useSearchKey();

  return (
    <>
      <header className="border-b border-line bg-panel">
        <TopBar>
          <div className="ml-auto flex items-center gap-3">
            {runs && <Trainers trainers={trainers} runs={runs} you={you} />}
            <Link href="/team" className="text-xs text-dim hover:text-ink">
              Team
            </Link>
            <LinkState link={link} error={error} />
            <ThemeToggle />
          </div>
        </TopBar>
      </header>
      <main className="mx-auto max-w-7xl px-2 py-3 sm:px-4">
        <div className="mb-2 flex flex-wrap items-center gap-2">
          <h1 className="mr-auto text-base font-semibold sm:mr-2">Runs</h1>
          <label className="relative order-2 min-w-32 flex-1 sm:order-none sm:max-w-64">
            <Search aria-hidden size={13} className="absolute top-2 left-2 text-dim" />
            <input
              ref={search}
              type="search"
              aria-label="Search runs"
              aria-keyshortcuts="/"
              placeholder="name, recipe, project, tag, person…  /"
              className={`${inputClass} pl-7 font-sans`}
              value={query.search}
              onChange={(e) => setQuery({ ...query, search: e.target.value })}
            />
          </label>
          <Select
            aria-label="Which runs"
            className="order-2 w-auto! font-sans sm:order-none"
            options={shelves}
            value={query.show}
            onChange={(e) => setQuery({ ...query, show: e.target.value as TableQuery['show'] })}
          />
          <span className="order-2 flex gap-1 sm:hidden">
            <select
              aria-label="Sort by"
              className={`${inputClass} w-auto font-sans`}
              value={query.sort}
              onChange={(e) => setQuery({ ...query, sort: e.target.value as SortKey })}
            >
              {sortKeys.map((key) => (
                <option key={key} value={key}>
                  {sortWords[key]}
                </option>
              ))}
            </select>
            <Button
              size="icon"
              aria-label={query.descending ? 'Sorted down; sort up' : 'Sorted up; sort down'}
              onClick={() => setQuery({ ...query, descending: !query.descending })}
            >
              {query.descending ? <ArrowDown aria-hidden size={13} /> : <ArrowUp aria-hidden size={13} />}
            </Button>
          </span>
          <span className="sm:ml-auto">
            <ImportButton disabled={!mayStart} />
          </span>
          <Button
            look="primary"
            disabled={!mayStart}
            title={you && !mayStart ? `${you.name} (${you.role}) may not start runs` : undefined}
            onClick={() => setDialog(true)}
          >
            <Plus aria-hidden size={14} />
            New run
          </Button>
        </div>
        <Chosen
          runs={(runs ?? []).filter((r) => chosen.has(r.runId) && !r.gone)}
          you={you}
          onClear={() => setChosen(new Set())}
        />
        {query.show === 'trash' && (
          <p className="mb-2 text-xs text-dim">Deleted runs are kept for 30 days; then they are gone for good.</p>
        )}
        {link === 'reconnecting' && (
          <p role="alert" className="mb-2 rounded border border-warn/50 bg-warn/10 px-3 py-1.5 text-warn">
            The connection to the server broke. The list may be old; it is fetched again on return.
          </p>
        )}
        <div className="rounded border border-line bg-panel">
          {link === 'refused' && !runs ? (
            <Empty title="The server does not let this page in" text={error ?? ''} />
          ) : !runs ? (
            <Loading />
          ) : runs.length === 0 ? (
            <Empty title="No run yet" text="Start one: the form comes filled in with a preset of its recipe." />
          ) : rows.length === 0 ? (
            <Empty title="Nothing fits" text="No run fits the search and filter." />
          ) : (
            <RunTable
              runs={rows.slice(0, limit)}
              query={query}
              onSort={sort}
              chosen={chosen}
              onChoose={choose}
              onTag={showTag}
              you={you}
            />
          )}
        </div>
        {rows.length > limit && (
          <div className="mt-2 text-center">
            <Button onClick={() => setLimit(limit + 10 * atOnce)}>Show more ({rows.length - limit} left)</Button>
          </div>
        )}
      </main>
      <NewRunDialog open={dialog} onClose={() => setDialog(false)} runs={runs ?? []} trainers={trainers} />
    </>
  );
}

/** "/" goes to the search, from wherever no key is typed. */
function useSearchKey(): RefObject<HTMLInputElement | null> {
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      const at = event.target instanceof Element ? event.target : null;
      if (event.key !== '/' || event.ctrlKey || event.metaKey || event.altKey) return;
      if (at?.closest('input, select, textarea, [role="dialog"], [role="menu"]')) return;
      event.preventDefault();
      field.current?.focus();
      field.current?.select();
    };
    window.addEventListener('keydown', onKey);
    return () => window.removeEventListener('keydown', onKey);
  }, []);
  return field;
}

function Empty({ title, text }: { title: string; text: string }) {
  return (
    <div className="px-4 py-14 text-center">
      <p className="font-medium">{title}</p>
      <p className="text-dim">{text}</p>
    </div>
  );
}

function Loading() {
  return (
    <div aria-busy className="space-y-2 p-3">
      <span className="sr-only">Loading the runs</span>
      {[0, 1, 2].map((i) => (
        <div key={i} className="h-8 animate-pulse rounded bg-raised" />
      ))}
    </div>
  );
}
