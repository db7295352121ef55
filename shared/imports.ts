import { z } from 'zod';
import { chosenName, seen } from './ids';
import type { MediaKind } from './media';

/** The runs that an import of other programs' files would make, and what the importing person can choose. */

/** One run that the files would become. */
export interface PlannedRun {
  /** Names the run within its import. */
  key: string;
  name: string;
  format: 'Headroom' | 'TensorBoard' | 'CSV' | 'JSON' | 'MLflow';
  files: string[];
  series: { count: number; names: string[] };
  /** Number of values over all series. */
  values: number;
  /** Number of different steps of the longest stream. */
  rows: number;
  steps: { first: number; last: number } | null;
  /** ms since 1970; null: no time is known. */
  times: { first: number; last: number } | null;
  media: Partial<Record<MediaKind, number>>;
  /** Number of settings in the files. */
  settings: number;
  /** The column that counts the steps, and the columns that could; null where there are no columns. */
  axis: string | null;
  axes: string[];
  /** What was assumed. */
  notes: string[];
  /** Parts of the files that the run leaves out. */
  leftOut: string[];
  /** Why it cannot be imported as it is; null = it can. */
  error: string | null;
  /** Id of the same run if it is here already; it can be imported as a copy. */
  here: string | null;
}

export interface ImportPlan {
  runs: PlannedRun[];
  /** Files that yield nothing, with the reason. */
  leftOut: string[];
}

export interface ImportedRun {
  key: string;
  name: string;
  /** null: the import failed, `error` says why. */
  runId: string | null;
  leftOut: string | null;
  error: string | null;
}

export interface ImportResult {
  runs: ImportedRun[];
  leftOut: string[];
}

export const importChoice = z.strictObject({
  key: z.string().min(1).max(2000),
  /** Name of the new run; left out: the name in the file. */
  name: seen(chosenName(80)).optional(),
  /** The column that counts the steps; "row": count the rows. */
  axis: z.string().min(1).max(4096).optional(),
  /** For a `.headroom` file: import under a new id. */
  asCopy: z.boolean().optional(),
});
export type ImportChoice = z.infer<typeof importChoice>;

export const importChoices = z.strictObject({
  /** The runs to import; left out: all. In a plan: those with choices of their own. */
  runs: z.array(importChoice).max(10_000).optional(),
  /** For every file whose run has no axis of its own. */
  axis: z.string().min(1).max(4096).optional(),
  project: seen(chosenName(80)).optional(),
});
export type ImportChoices = z.infer<typeof importChoices>;
