import { z } from 'zod';
import { runId } from '~/shared/ids';
import {
  type Catalog,
  type Estimate,
  type Family,
  groupings,
  mostAxes,
  type Sparkline,
  type SweepAnswer,
  shelves,
  type TablePage,
} from '~/shared/runTable';
import { config, recipeName } from '~/shared/setup';
import { allowed } from './base';

const watching = allowed('watch runs');
/** "config." and a path, "series." and a name, "result." and a split with a metric. */
const columnKey = z.string().min(1).max(700);

const tableQuery = {
  search: z.string().max(2000),
  show: z.enum(shelves),
  sort: columnKey,
  descending: z.boolean(),
  group: z.enum(groupings),
};

/** The list of runs, searched, sorted and grouped by the server (shared/runTable.ts). */
export const tableProcedures = {
  table: watching
    .input(
      z.strictObject({
        ...tableQuery,
        columns: z.array(columnKey).max(40),
        folded: z.array(z.string().max(200)).max(1000),
        skip: z.int().min(0),
        limit: z.int().min(1).max(500),
      }),
    )
    .query(({ ctx, input }): TablePage => ctx.hub.table.page(input)),

  /** The available columns and search keys. */
  columns: watching.query(({ ctx }): Catalog => ctx.hub.table.catalog()),

  /** Values of columns for every matching run, for the charts of a sweep. Without columns: those that differ among the runs. */
  points: watching
    .input(z.strictObject({ ...tableQuery, columns: z.array(columnKey).max(mostAxes) }))
    .query(({ ctx, input }): SweepAnswer => ctx.hub.table.points(input)),

  /** Estimated duration of such a run, from earlier runs. */
  estimate: watching
    .input(z.strictObject({ recipe: recipeName, config }))
    .query(({ ctx, input }): Estimate | null => ctx.hub.table.estimate(input.recipe, input.config)),

  /** The tree of branches that a run belongs to. */
  family: watching.input(z.strictObject({ runId })).query(({ ctx, input }): Family => ctx.hub.family(input.runId)),

  sparklines: watching
    .input(z.strictObject({ runIds: z.array(runId).min(1).max(100) }))
    .query(({ ctx, input }): Promise<Sparkline[]> => ctx.hub.sparklines(input.runIds)),
};
