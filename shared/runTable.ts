/** The list of runs as the server answers it: searched, sorted and grouped there, and read by pages, so that it costs a page the same with 10 runs as with 10,000. */
import type { Json } from './setup';
import type { RunSummary } from './summary';

export const shelves = ['all', 'active', 'ended', 'archived', 'trash'] as const;
export type Shelf = (typeof shelves)[number];

/** `sweep`: a group of runs that were started as one sweep (their jobType says so). */
export const groupings = ['none', 'project', 'group', 'tag', 'family', 'sweep'] as const;
export type Grouping = (typeof groupings)[number];

/** The jobType of runs that were started together with several values of a setting. */
export const sweepJob = 'sweep';

export interface TableQuery {
  /** runSearch.ts */
  search: string;
  show: Shelf;
  /** Key of a column. */
  sort: string;
  descending: boolean;
  group: Grouping;
}

/** What a cell of a chosen column holds; undefined is null. */
export type Cell = Json;

export interface RunRow {
  kind: 'run';
  run: RunSummary;
  /** Of the columns that were asked for, in their order. */
  cells: Cell[];
  /** Settings that differ from the recipe's first preset: at most a few. */
  changed: { path: string; text: string }[];
  /** How many more there are. */
  changedMore: number;
}

export interface GroupRow {
  kind: 'group';
  key: string;
  title: string;
  /** Runs in it that fit the query. */
  runs: number;
  running: number;
  folded: boolean;
}

export type TableLine = RunRow | GroupRow;

export interface TablePage {
  /** Of the whole table, headings of groups included. */
  lines: number;
  /** Runs that fit. */
  runs: number;
  /** Runs on the server, outside of the trash. */
  all: number;
  /** Runs that wait for a trainer. */
  waiting: number;
  /** Terms of the search that mean nothing here, in words. */
  problems: string[];
  from: number;
  page: TableLine[];
}

/** A column that can be chosen. Keys: a fixed one, "config.<path>", "series.<name>", "result.<split> <metric>". */
export interface Column {
  key: string;
  title: string;
  /** Runs that have it. */
  runs: number;
}

export interface Catalog {
  settings: Column[];
  series: Column[];
  results: Column[];
  /** For suggestions: values that runs have. */
  projects: string[];
  groups: string[];
  tags: string[];
}

/** The main series of a run in small: the last value of each stretch that has rows. NaN and infinities are values. */
export interface Sparkline {
  runId: string;
  name: string;
  steps: number[];
  values: number[];
}

/** One run in the charts of a sweep: the values of the columns asked for. */
export interface SweepPoint {
  runId: string;
  name: string;
  status: RunSummary['status'];
  values: Cell[];
}

export interface SweepAnswer {
  /** Keys, in the order of each point's values. */
  columns: string[];
  /** What can be drawn of these runs: the settings that differ among them, and their numbers. */
  offered: { settings: Column[]; results: Column[] };
  points: SweepPoint[];
  leftOut: number;
}

/** How long a run took that is like the one asked about. */
export interface Estimate {
  ms: number;
  runId: string;
  name: string;
  backend: string | null;
  /** Titles of the settings in which it differs. */
  differs: string[];
}
