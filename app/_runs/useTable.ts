import { useCallback, useEffect, useState, useSyncExternalStore } from 'react';
import { atBase } from '~/app/_live/base';
import { browserHost } from '~/app/_live/host';
import { api, describeError } from '~/app/_trpc/client';
import type { TablePage } from '~/shared/runTable';
import type { RunSummary } from '~/shared/summary';
import { askedColumns } from './columns';
import { fromParams, type View } from './tableQuery';
import { type AskPage, createTableReader, pageLines, type TableReader, type TableState } from './tableReader';

/** Most lines in one answer. */
const mostLines = 500;

const queryOf = ({ search, show, sort, descending, group }: View) => ({ search, show, sort, descending, group });

const answer = (view: View, skip: number, limit: number): Promise<TablePage> =>
  api.runs.table.query({
    ...queryOf(view),
    columns: askedColumns(view.columns),
    folded: [...view.folded],
    skip,
    limit,
  });

// The first page is requested while React starts.
let early: { view: string; page: Promise<TablePage> } | null = null;
if (typeof window !== 'undefined' && location.pathname === atBase('/')) {
  const view = fromParams(location.search);
  early = { view: JSON.stringify(view), page: answer(view, 0, pageLines) };
  early.page.catch(() => {});
}

const askPage: AskPage = (view, skip, limit) => {
  const asked = early;
  early = null;
  return asked && skip === 0 && limit === pageLines && asked.view === JSON.stringify(view)
    ? asked.page
    : answer(view, skip, limit);
};

const host = { after: browserHost.after, describe: (error: unknown) => describeError(error).message };

/** The visible lines of the table; `choose` reads every run that the view shows. */
export function useTable(view: View): { state: TableState; reader: TableReader; choose(): Promise<RunSummary[]> } {
  const [reader] = useState(() => createTableReader(askPage, host));
  useEffect(() => reader.show(view), [reader, view]);
  const state = useSyncExternalStore(reader.subscribe, reader.get, reader.get);
  const choose = useCallback(async () => {
    const runs = new Map<string, RunSummary>();
    // Runs of folded groups are included.
    const whole: View = { ...view, group: 'none', folded: [] };
    for (let skip = 0, lines = 1; skip < lines; skip += mostLines) {
      const page = await askPage(whole, skip, mostLines);
      lines = page.lines;
      for (const line of page.page) if (line.kind === 'run') runs.set(line.run.runId, line.run);
    }
    return [...runs.values()];
  }, [view]);
  return { state, reader, choose };
}
