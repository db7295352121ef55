import { headlineMetric } from './evaluations';
import type { Actor } from './ids';
import { own } from './own';
import type { Config } from './setup';
import { latestOf, latestWithRole, mainSeries, seriesDrawnAlone, seriesOf } from './streams';
import { positionInQueue, type RunStatus, type RunView } from './view';

/** The number that says how good the run is: of an evaluation, or of the series that is declared as the main metric. */
export interface MainResult {
  /** null: it is a series. */
  split: string | null;
  /** Name of the metric. */
  name: string;
  value: number;
  /** An accuracy: a share of 1. */
  share: boolean;
}

/**
 * The values by which the list of runs can be searched, sorted and grouped, apart from the line itself. They stay on the server.
 */
export interface RunIndex {
  config: Config;
  jobType: string | null;
  /** The series that shows how the run goes: the declared main one, else its loss, else its accuracy. */
  main: string | null;
  /** Newest values by name, for the first declared series. */
  series: [name: string, value: number][];
  /** Newest evaluation results, named "<split> <metric>". */
  results: [name: string, value: number][];
  /** From its first step to its end, pauses included; null = it has not finished. */
  tookMs: number | null;
}

/** Most series and most results of an index. */
const mostIndexed = 64;

/** One line of the run list. */
export interface RunSummary {
  runId: string;
  name: string;
  project: string;
  /** Name of a group of runs. */
  group?: string;
  /** null: a script's own run. */
  recipe: string | null;
  /** What its examples are; null = not declared. */
  data: string | null;
  status: RunStatus;
  step: number;
  totalSteps: number;
  /** Newest values of the series with these roles; null = none. NaN is a value. */
  loss: number | null;
  accuracy: number | null;
  /** The best by the declared main metric, and the newest; null = there was none. */
  best: MainResult | null;
  evaluated: MainResult | null;
  createdAt: number;
  updatedAt: number;
  createdBy: Actor;
  backend: string | null;
  parent: RunView['parent'];
  copyOf?: string;
  branchChange?: string;
  /** Number of unresolved threads, and the newest note of any thread. */
  notes?: { open: number; newest: string | null };
  /** The run was deleted: this is its last summary. */
  gone?: true;
  tags: string[];
  archived: boolean;
  trashed: boolean;
  /** Lowest first among the runs that wait for a trainer. */
  queuePosition?: number;
  /** Number of commands without an outcome; left out = 0. */
  openCommands?: number;
  /** Hash of the key with which its script opens it. */
  openKey?: string;
  watchers: number;
  index?: RunIndex;
}

/** The summary as sent: without its index. */
export function sentSummary({ index: _kept, ...sent }: RunSummary): RunSummary {
  return sent;
}

export function summarize(view: RunView, watchers: number): RunSummary {
  const openCommands = view.openCommands.length;
  return {
    runId: view.runId,
    name: view.setup.name,
    project: view.setup.project,
    ...(view.setup.group !== undefined && { group: view.setup.group }),
    recipe: view.setup.recipe?.name ?? null,
    data: view.data,
    status: view.status,
    step: view.step,
    totalSteps: view.totalSteps,
    loss: latestWithRole(view, 'loss'),
    accuracy: latestWithRole(view, 'accuracy'),
    ...mainResults(view),
    createdAt: view.createdAt,
    updatedAt: view.updatedAt,
    createdBy: view.createdBy,
    backend: view.device?.backend ?? view.device?.device ?? null,
    parent: view.parent,
    ...(view.copyOf !== undefined && { copyOf: view.copyOf }),
    ...(view.branchChange !== undefined && { branchChange: view.branchChange }),
    ...(view.counts.notes.count > 0 && { notes: summarizeNotes(view) }),
    tags: view.tags,
    archived: view.archived,
    trashed: view.trashed,
    queuePosition: positionInQueue(view),
    ...(openCommands > 0 && { openCommands }),
    ...(view.openKey !== null && { openKey: view.openKey }),
    watchers,
    index: indexOf(view),
  };
}

function indexOf(view: RunView): RunIndex {
  const main = seriesDrawnAlone(view);
  const shown = new Set(
    seriesOf(view)
      .filter((s) => s.role !== 'gradNormOf' && s.group !== 'system')
      .slice(0, mostIndexed)
      .map((s) => s.name),
  );
  const series = view.streams.flatMap(({ columns, latest }) =>
    latest ? columns.flatMap(({ name }, i): [string, number][] => (shown.has(name) ? [[name, latest.values[i]!]] : [])) : [],
  );
  const results = view.latestEvaluations.flatMap((e) =>
    e.metrics.map((m): [string, number] => [`${e.split} ${m.name}`, m.value]),
  );
  return {
    config: view.setup.config,
    jobType: view.setup.jobType ?? null,
    main: main?.name ?? null,
    series,
    results: results.slice(-mostIndexed),
    tookMs: tookMs(view),
  };
}

/** Evaluations have priority: a series is used when no evaluation has a main metric. */
function mainResults(view: RunView): Pick<RunSummary, 'best' | 'evaluated'> {
  const { best, bestRow, latestEvaluations } = view;
  const main = best || !bestRow ? null : mainSeries(view);
  if (!main) return { best: mainResult(best), evaluated: mainResult(latestEvaluations.at(-1) ?? null) };
  const of = (value: number | null): MainResult | null =>
    value === null ? null : { split: null, name: main.name, value, share: main.role === 'accuracy' && !main.unit };
  return { best: of(bestRow!.value), evaluated: of(latestOf(view, main.name)) };
}

function mainResult(e: RunView['best']): MainResult | null {
  const main = e && headlineMetric(e);
  return main ? { split: e.split, name: main.name, value: main.value, share: main.role === 'accuracy' } : null;
}

/** How long a run of its settings takes; null for one that has not finished, or whose length people changed. */
function tookMs({ startedAt, recent, controls, values }: RunView): number | null {
  const end = recent.statuses.items.at(-1);
  if (controls.values.some((c) => c.role === 'epochs' && own(values, c.name)?.changedBy)) return null;
  return end?.status === 'finished' && startedAt !== null ? end.at - startedAt : null;
}

/** Characters of the newest note that a list needs. */
const NOTE_CHARACTERS = 200;

function summarizeNotes({ openThreads, recent }: RunView): { open: number; newest: string | null } {
  return { open: openThreads, newest: recent.notes.items.at(-1)?.text.slice(0, NOTE_CHARACTERS) ?? null };
}
