import { z } from 'zod';
import type { MediaKind } from './media';

/** What an import of files of other programs would make, and what whoever imports may choose. */

/** One run that would come of the files. */
export interface PlannedRun {
  /** Names the run within its import. */
  key: string;
  name: string;
  format: 'Headroom' | 'TensorBoard' | 'CSV' | 'JSON' | 'MLflow';
  files: string[];
  series: { count: number; names: string[] };
  /** Values of all series. */
  values: number;
  /** Different steps of the longest stream. */
  rows: number;
  steps: { first: number; last: number } | null;
  /** ms since 1970; null: no time is known. */
  times: { first: number; last: number } | null;
  media: Partial<Record<MediaKind, number>>;
  /** Settings that the files say. */
  settings: number;
  /** The column that counts the steps, and those that could; null where there are no columns. */
  axis: string | null;
  axes: string[];
  /** What was assumed. */
  notes: string[];
  /** What of the files is not in the run. */
  leftOut: string[];
  /** Why it cannot be imported as it is; null: it can. */
  error: string | null;
  /** The run is here already; it can come in as a copy. */
  here: string | null;
}

export interface ImportPlan {
  runs: PlannedRun[];
  /** Files of which nothing comes, in words. */
  leftOut: string[];
}

export interface ImportedRun {
  key: string;
  name: string;
  /** null: it could not be imported, `error` says why. */
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
  /** What the run is called here; left out: as its file says. */
  name: z.string().trim().min(1).max(80).optional(),
  /** The column that counts the steps; "row": the rows are counted. */
  axis: z.string().min(1).max(4096).optional(),
  /** Of a `.headroom` file: under a new id. */
  asCopy: z.boolean().optional(),
});
export type ImportChoice = z.infer<typeof importChoice>;

export const importChoices = z.strictObject({
  /** The runs that are wanted; left out: all. For a plan: those with choices of their own. */
  runs: z.array(importChoice).max(10_000).optional(),
  /** For every file whose run has no axis of its own. */
  axis: z.string().min(1).max(4096).optional(),
  project: z.string().trim().min(1).max(80).optional(),
});
export type ImportChoices = z.infer<typeof importChoices>;
