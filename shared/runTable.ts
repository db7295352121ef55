/**
 * The list of runs as the server answers it: searched, sorted and grouped on the server, and read by pages, so that a page costs
 * the same with 10 runs as with 10,000.
 */
import type { Json } from './setup';
import type { RunSummary } from './summary';

export const shelves = ['all', 'active', 'ended', 'archived', 'trash'] as const;
export type Shelf = (typeof shelves)[number];

/** `sweep`: a group of runs that were started as one sweep (their jobType says so). */
export const groupings = ['none', 'project', 'group', 'tag', 'family', 'sweep'] as const;
export type Grouping = (typeof groupings)[number];

/** The jobType of runs that were started together, with several values of a setting. */
export const sweepJob = 'sweep';

export interface TableQuery {
  /** Syntax: runSearch.ts. */
  search: string;
  show: Shelf;
  /** Key of a column, or "fit": the runs whose name fits the search best come first if `descending` is false. */
  sort: string;
  descending: boolean;
  group: Grouping;
}

/** Value of a cell in a chosen column; undefined is sent as null. */
export type Cell = Json;

export interface RunRow {
  kind: 'run';
  run: RunSummary;
  /** Cells of the requested columns, in their order. */
  cells: Cell[];
  /** Settings that differ from the recipe's first preset: at most a few. */
  changed: { path: string; text: string }[];
  /** Number of further changed settings. */
  changedMore: number;
}

export interface GroupRow {
  kind: 'group';
  key: string;
  title: string;
  /** Number of runs in it that match the query. */
  runs: number;
  running: number;
  folded: boolean;
}

export type TableLine = RunRow | GroupRow;

export interface TablePage {
  /** Lines of the whole table, including headings of groups. */
  lines: number;
  /** Runs that match. */
  runs: number;
  /** Runs on the server, outside of the trash. */
  all: number;
  /** Runs that wait for a trainer. */
  waiting: number;
  /** Terms of the search that match no field, described for people. */
  problems: string[];
  from: number;
  page: TableLine[];
}

/** A column that can be chosen. Keys: a fixed one, "config.<path>", "series.<name>", "result.<split> <metric>". */
export interface Column {
  key: string;
  title: string;
  /** Number of runs that have it. */
  runs: number;
}

export interface Catalog {
  settings: Column[];
  series: Column[];
  results: Column[];
  /** For suggestions: values that occur in runs. */
  projects: string[];
  groups: string[];
  tags: string[];
}

/** A small chart of a run's main series: the last value of each stretch that has rows. NaN and infinities are values. */
export interface Sparkline {
  runId: string;
  name: string;
  steps: number[];
  values: number[];
}

/** Most columns in the charts of a sweep. */
export const mostAxes = 20;

/** One run in the charts of a sweep: the values of the requested columns. */
export interface SweepPoint {
  runId: string;
  name: string;
  status: RunSummary['status'];
  values: Cell[];
}

export interface SweepAnswer {
  /** Keys, in the order of each point's values. */
  columns: string[];
  /** The columns that can be drawn for these runs: settings that differ among them, and numbers. */
  offered: { settings: Column[]; results: Column[] };
  points: SweepPoint[];
  leftOut: number;
}

/** A run in the tree of its branches. */
export interface Member {
  run: RunSummary;
  /** 0 = the root. */
  depth: number;
}

/** The tree that a run belongs to: each branch after its parent, earlier ones first. */
export interface Family {
  members: Member[];
  /** Number of runs of the tree that are not in `members`. */
  leftOut: number;
}

/** How long a run took that is similar to the given one. */
export interface Estimate {
  ms: number;
  runId: string;
  name: string;
  backend: string | null;
  /** Titles of the settings that differ. */
  differs: string[];
}
