import { groupings, mostAxes, shelves, type TableQuery } from '~/shared/runTable';

/** The state of the runs page: the query for the server, the columns, and the form of display. */
export interface View extends TableQuery {
  columns: readonly string[];
  /** Keys of groups. */
  folded: readonly string[];
  /** `charts`: the runs as a parallel plot and a scatter plot. */
  as: 'table' | 'charts';
  /** Columns of the parallel plot; none: those that the server chooses. */
  axes: readonly string[];
  /** Columns of the scatter plot; '' or one that is not among the axes: the first axis, and the last. */
  across: string;
  up: string;
}

/** Default columns after the name, in display order; keys are those of shared/runTable.ts. */
export const defaultColumns = [
  'status',
  'trend',
  'step',
  'loss',
  'best',
  'evaluated',
  'changed',
  'createdAt',
  'watchers',
] as const;

export const defaultView: View = {
  search: '',
  show: 'all',
  sort: 'createdAt',
  descending: true,
  group: 'none',
  columns: defaultColumns,
  folded: [],
  as: 'table',
  axes: [],
  across: '',
  up: '',
};

/** Limited by the length of a query string. */
export const mostColumns = 24;

/** As a query string without "?"; values equal to their defaults are left out. */
export function toParams(v: View): string {
  const params = new URLSearchParams();
  if (v.search) params.set('find', v.search);
  if (v.show !== defaultView.show) params.set('show', v.show);
  if (v.sort !== defaultView.sort) params.set('sort', v.sort);
  if (!v.descending) params.set('order', 'up');
  if (v.group !== defaultView.group) params.set('group', v.group);
  if (v.as !== defaultView.as) params.set('as', v.as);
  if (v.columns.join('\n') !== defaultColumns.join('\n')) for (const key of v.columns) params.append('column', key);
  for (const key of v.folded) params.append('folded', key);
  for (const key of v.axes) params.append('axis', key);
  if (v.across) params.set('across', v.across);
  if (v.up) params.set('up', v.up);
  return params.toString();
}

/** The inverse of toParams; invalid values get their defaults. */
export function fromParams(query: string): View {
  const params = new URLSearchParams(query);
  const keys = (name: string, most: number) =>
    [...new Set(params.getAll(name).filter((key) => key.length <= 700))].slice(0, most);
  const columns = keys('column', mostColumns);
  return {
    search: params.get('find') ?? '',
    show: shelves.find((s) => s === params.get('show')) ?? defaultView.show,
    sort: params.get('sort') ?? defaultView.sort,
    descending: params.get('order') !== 'up',
    group: groupings.find((g) => g === params.get('group')) ?? defaultView.group,
    columns: columns.length > 0 ? columns : defaultColumns,
    folded: params.getAll('folded').slice(0, 1000),
    as: params.get('as') === 'charts' ? 'charts' : 'table',
    axes: keys('axis', mostAxes),
    across: keys('across', 1)[0] ?? '',
    up: keys('up', 1)[0] ?? '',
  };
}

/** Columns that sort in ascending order first: small values or A come first. */
const upwards = new Set(['name', 'status', 'loss', 'recipe', 'project', 'group']);

/** The view after a click on a column: reverses the direction, or sorts by the column in its usual direction. */
export const sortedBy = (view: View, key: string): View => ({
  ...view,
  sort: key,
  descending: view.sort === key ? !view.descending : !upwards.has(key),
});
