import type { Source } from '~/app/_live/select';
import type { TableLine, TablePage } from '~/shared/runTable';
import type { RunSummary } from '~/shared/summary';
import type { View } from './tableQuery';

export interface TableState {
  /** From the latest answer; null before the first. */
  head: Omit<TablePage, 'page' | 'from'> | null;
  /** By position in the table; a missing position has not been read. */
  lines: ReadonlyMap<number, TableLine>;
  /** The query has changed and its answer is pending: the lines belong to the previous query. */
  stale: boolean;
  error: string | null;
}

export type AskPage = (view: View, skip: number, limit: number) => Promise<TablePage>;

interface TableHost {
  after(ms: number, f: () => void): () => void;
  /** The error as a message. */
  describe(error: unknown): string;
}

export const pageLines = 100;
/** A changed run may belong to another position: delay and least interval before the visible lines are read again, ms. */
const againMs = { moved: 1_000, values: 5_000 };

/**
 * The visible lines of the table, read by pages. Changed runs replace their lines as they arrive; when their positions may have
 * changed (or another run may become visible), the visible pages are read again.
 */
export function createTableReader(ask: AskPage, host: TableHost): TableReader {
  let view: View | null = null;
  let state: TableState = { head: null, lines: new Map(), stale: false, error: null };
  let generation = 0;
  let sight: [from: number, to: number] = [0, pageLines - 1];
  const asked = new Set<number>();
  let again: { due: number; cancel(): void } | null = null;
  let closed = false;
  const listeners = new Set<() => void>();
  const set = (change: Partial<TableState>) => {
    state = { ...state, ...change };
    for (const l of [...listeners]) l();
  };

  const pagesInSight = (): number[] => {
    const [from, to] = [Math.floor(sight[0] / pageLines), Math.floor(sight[1] / pageLines)];
    return Array.from({ length: to - from + 1 }, (_, i) => from + i);
  };

  /** @param fresh whether the answer replaces all pages read before */
  async function read(pages: readonly number[], fresh: boolean): Promise<void> {
    const asking = view;
    if (!asking) return;
    const mine = fresh ? ++generation : generation;
    if (fresh) asked.clear();
    for (const page of pages) asked.add(page);
    try {
      const answers = await Promise.all(pages.map((page) => ask(asking, page * pageLines, pageLines)));
      if (closed || mine !== generation) return;
      const lines = fresh ? new Map<number, TableLine>() : new Map(state.lines);
      for (const { from, page } of answers) for (const [i, line] of page.entries()) lines.set(from + i, line);
      const { page: _lines, from: _from, ...head } = answers.at(-1)!;
      set({ head, lines, stale: false, error: null });
      // The table may have become longer or shorter than the visible range.
      missing();
    } catch (error) {
      if (closed || mine !== generation) return;
      for (const page of pages) asked.delete(page);
      set({ stale: false, error: host.describe(error) });
    }
  }

  function missing(): void {
    const lines = state.head?.lines ?? 0;
    const wanted = pagesInSight().filter((page) => page * pageLines < lines && !asked.has(page));
    if (wanted.length > 0) void read(wanted, false);
  }

  function readAgain(ms: number): void {
    if (again && again.due <= ms) return;
    again?.cancel();
    const cancel = host.after(ms, () => {
      again = null;
      void read(pagesInSight(), true);
    });
    again = { due: ms, cancel };
  }

  return {
    get: () => state,
    subscribe: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    show(next) {
      if (JSON.stringify(next) === JSON.stringify(view)) return;
      const from = view;
      view = next;
      const other = (['search', 'show', 'group', 'sort', 'descending'] as const).some((key) => from?.[key] !== next[key]);
      if (other) sight = [0, pageLines - 1];
      set({ stale: true });
      void read(pagesInSight(), true);
    },
    look(from, to) {
      sight = [from, Math.max(from, to)];
      missing();
    },
    changed(runs) {
      if (!state.head) return;
      const known = new Map(runs.map((r) => [r.runId, r]));
      const found = new Set<string>();
      let moved = false;
      let values = false;
      const lines = new Map(state.lines);
      for (const [at, line] of lines) {
        if (line.kind !== 'run') continue;
        const run = known.get(line.run.runId);
        if (!run) continue;
        found.add(run.runId);
        moved ||= placeOf(line.run) !== placeOf(run);
        values = true;
        lines.set(at, { ...line, run });
      }
      if (found.size > 0) set({ lines });
      if (moved || found.size < known.size) readAgain(againMs.moved);
      else if (values && view && dependsOnValues(view)) readAgain(againMs.values);
    },
    again: () => void read(pagesInSight(), true),
    close() {
      closed = true;
      again?.cancel();
    },
  };
}

export interface TableReader extends Source<TableState> {
  show(view: View): void;
  /** Sets the visible positions. */
  look(from: number, to: number): void;
  changed(runs: readonly RunSummary[]): void;
  /** Reads the visible lines again. */
  again(): void;
  close(): void;
}

/** The values, besides numbers, that decide whether and where a run is in the table. */
const placeOf = ({ status, name, tags, archived, trashed, gone, project, group }: RunSummary): string =>
  JSON.stringify([status, name, tags, archived, trashed, gone ?? false, project, group ?? null]);

/** Whether numbers of live runs affect the order, the search or the chosen columns. */
const dependsOnValues = ({ sort, search, columns }: View): boolean =>
  !['name', 'createdAt', 'project', 'group', 'recipe', 'status'].includes(sort) ||
  /[<>=]/.test(search) ||
  columns.some((key) => key.startsWith('series.') || key.startsWith('result.'));
