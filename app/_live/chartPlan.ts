/** Charts as somebody has made, changed, put in order or taken away. Part of the page's link. */
export interface ChartPlan {
  own: readonly OwnChart[];
  /** Ids of charts that are taken away. */
  hidden: readonly string[];
  /** Ids in the order wanted; the others follow. */
  order: readonly string[];
}

/** A chart of series that somebody chose. One with the id of a chart that is there takes its place. */
export interface OwnChart {
  id: string;
  title: string;
  series: readonly string[];
  /** Ends of the y axis; null = as the numbers need. */
  range: readonly [number | null, number | null];
}

export const noPlan: ChartPlan = { own: [], hidden: [], order: [] };

export const encodePlan = ({ own, hidden, order }: ChartPlan): string =>
  own.length + hidden.length + order.length === 0 ? '' : JSON.stringify({ own, hidden, order });

/** @returns noPlan for what is none */
export function decodePlan(text: string | null): ChartPlan {
  try {
    const { own, hidden, order } = JSON.parse(text ?? '') as Record<keyof ChartPlan, unknown>;
    if (!names(hidden) || !names(order) || !Array.isArray(own) || !own.every(isOwn)) return noPlan;
    return { own: own.map(({ id, title, series, range }) => ({ id, title, series, range })), hidden, order };
  } catch {
    return noPlan;
  }
}

const names = (list: unknown): list is string[] => Array.isArray(list) && list.every((n) => typeof n === 'string');
const isEnd = (end: unknown) => end === null || Number.isFinite(end);
const isOwn = (chart: unknown): chart is OwnChart => {
  const { id, title, series, range } = (chart ?? {}) as Record<keyof OwnChart, unknown>;
  return (
    typeof id === 'string' &&
    typeof title === 'string' &&
    names(series) &&
    Array.isArray(range) &&
    range.length === 2 &&
    range.every(isEnd)
  );
};

/** The plan with a chart put in. */
export const withChart = (plan: ChartPlan, chart: OwnChart): ChartPlan => ({
  ...plan,
  own: plan.own.some((c) => c.id === chart.id) ? plan.own.map((c) => (c.id === chart.id ? chart : c)) : [...plan.own, chart],
});

/** Without a chart: one that somebody made is gone, one of the page is hidden. @param made it is of the plan alone */
export const withoutChart = (plan: ChartPlan, id: string, made: boolean): ChartPlan =>
  made ? { ...plan, own: plan.own.filter((c) => c.id !== id) } : { ...plan, hidden: [...plan.hidden, id] };

/** A chart one place earlier (-1) or later (1). @param shown ids as they stand */
export function moved(plan: ChartPlan, shown: readonly string[], id: string, by: -1 | 1): ChartPlan {
  const at = shown.indexOf(id);
  const to = at + by;
  if (at < 0 || to < 0 || to >= shown.length) return plan;
  const order = [...shown];
  [order[at], order[to]] = [order[to]!, order[at]!];
  return { ...plan, order };
}

/** Items in the plan's order, without those taken away. */
export function planned<T extends { id: string }>({ hidden, order }: ChartPlan, charts: readonly T[]): T[] {
  const rank = (id: string) => {
    const at = order.indexOf(id);
    return at < 0 ? order.length : at;
  };
  return charts.filter((c) => !hidden.includes(c.id)).sort((a, b) => rank(a.id) - rank(b.id));
}
