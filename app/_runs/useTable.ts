import { useCallback, useEffect, useState, useSyncExternalStore } from 'react';
import { browserHost } from '~/app/_live/host';
import { api, describeError } from '~/app/_trpc/client';
import type { TablePage } from '~/shared/runTable';
import type { RunSummary } from '~/shared/summary';
import { askedColumns } from './columns';
import type { View } from './tableQuery';
import { createTableReader, type TableReader, type TableState } from './tableReader';

/** Most lines in one answer. */
const mostLines = 500;

const queryOf = ({ search, show, sort, descending, group }: View) => ({ search, show, sort, descending, group });

const askPage = (view: View, skip: number, limit: number): Promise<TablePage> =>
  api.runs.table.query({
    ...queryOf(view),
    columns: askedColumns(view.columns),
    folded: [...view.folded],
    skip,
    limit,
  });

const host = { after: browserHost.after, describe: (error: unknown) => describeError(error).message };

/** The visible lines of the table; `choose` reads every run that the view shows. */
export function useTable(view: View): { state: TableState; reader: TableReader; choose(): Promise<RunSummary[]> } {
  const [reader] = useState(() => createTableReader(askPage, host));
  // The address is read after the page has mounted: the first query waits for it.
  const [begun, setBegun] = useState(false);
  useEffect(() => {
    if (!begun) {
      setBegun(true);
      return;
    }
    reader.show(view);
  }, [reader, view, begun]);
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
