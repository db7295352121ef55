import type { Source } from '~/app/_live/select';
import type { TableLine, TablePage } from '~/shared/runTable';
import type { RunSummary } from '~/shared/summary';
import type { View } from './tableQuery';

export interface TableState {
  /** Of the newest answer; null before the first. */
  head: Omit<TablePage, 'page' | 'from'> | null;
  /** By their place in the table; a place that is not there has not been read. */
  lines: ReadonlyMap<number, TableLine>;
  /** The query was changed and its answer is awaited: what is shown belongs to the one before. */
  stale: boolean;
  error: string | null;
}

export type AskPage = (view: View, skip: number, limit: number) => Promise<TablePage>;

interface TableHost {
  after(ms: number, f: () => void): () => void;
  /** What went wrong, in words. */
  describe(error: unknown): string;
}

export const pageLines = 100;
/** A changed run may belong to another place: the lines in sight are read again after so long, at most this often. */
const againMs = { moved: 1_000, values: 5_000 };

/**
 * The lines of the table that are in sight, read by pages. Changed runs are put into their lines as they come; when they may belong elsewhere (or another run comes into sight), the
 * pages in sight are read again.
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

  /** @param fresh pages read before are dropped with the answer */
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
      // The table may have become longer or shorter than it was in sight.
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
  /** The places in sight. */
  look(from: number, to: number): void;
  changed(runs: readonly RunSummary[]): void;
  /** Reads what is in sight anew. */
  again(): void;
  close(): void;
}

/** What decides, beside numbers, whether and where a run stands in the table. */
const placeOf = ({ status, name, tags, archived, trashed, gone, project, group }: RunSummary): string =>
  JSON.stringify([status, name, tags, archived, trashed, gone ?? false, project, group ?? null]);

/** Numbers of live runs decide what is shown where, or stand in chosen columns. */
const dependsOnValues = ({ sort, search, columns }: View): boolean =>
  !['name', 'createdAt', 'project', 'group', 'recipe', 'status'].includes(sort) ||
  /[<>=]/.test(search) ||
  columns.some((key) => key.startsWith('series.') || key.startsWith('result.'));
