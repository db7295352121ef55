import * as z from 'zod/mini';
import { parsed } from './kept';

/** The user's changes to the charts: added, edited, reordered or hidden. Part of the page's link. */
export interface ChartPlan {
  own: readonly OwnChart[];
  /** Ids of hidden charts. */
  hidden: readonly string[];
  /** Ids in the wanted order; other charts follow. */
  order: readonly string[];
}

/** A chart of series that the user chose. It replaces a built-in chart with the same id. */
export interface OwnChart {
  id: string;
  title: string;
  series: readonly string[];
  /** Ends of the y axis; null = computed from the data. */
  range: readonly [number | null, number | null];
}

export const noPlan: ChartPlan = { own: [], hidden: [], order: [] };

export const encodePlan = ({ own, hidden, order }: ChartPlan): string =>
  own.length + hidden.length + order.length === 0 ? '' : JSON.stringify({ own, hidden, order });

const name = z.string();
const end = z.nullable(z.number());
const planSchema = z.object({
  own: z.array(z.object({ id: name, title: name, series: z.array(name), range: z.tuple([end, end]) })),
  hidden: z.array(name),
  order: z.array(name),
});

/** @returns noPlan for invalid text */
export const decodePlan = (text: string | null): ChartPlan => planSchema.safeParse(parsed(text)).data ?? noPlan;

/** The plan with a chart added or replaced. */
export const withChart = (plan: ChartPlan, chart: OwnChart): ChartPlan => ({
  ...plan,
  own: plan.own.some((c) => c.id === chart.id) ? plan.own.map((c) => (c.id === chart.id ? chart : c)) : [...plan.own, chart],
});

/** The plan without a chart: a chart that the user made is deleted, a built-in one is hidden. @param made the user made it */
export const withoutChart = (plan: ChartPlan, id: string, made: boolean): ChartPlan =>
  made ? { ...plan, own: plan.own.filter((c) => c.id !== id) } : { ...plan, hidden: [...plan.hidden, id] };

/** Moves a chart one position earlier (-1) or later (1). @param shown ids in their present order */
export function moved(plan: ChartPlan, shown: readonly string[], id: string, by: -1 | 1): ChartPlan {
  const at = shown.indexOf(id);
  const to = at + by;
  if (at < 0 || to < 0 || to >= shown.length) return plan;
  const order = [...shown];
  [order[at], order[to]] = [order[to]!, order[at]!];
  return { ...plan, order };
}

/** The charts in the plan's order, without hidden ones. */
export function planned<T extends { id: string }>({ hidden, order }: ChartPlan, charts: readonly T[]): T[] {
  const rank = (id: string) => {
    const at = order.indexOf(id);
    return at < 0 ? order.length : at;
  };
  return charts.filter((c) => !hidden.includes(c.id)).sort((a, b) => rank(a.id) - rank(b.id));
}
