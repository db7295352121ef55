import { ArrowDown, ArrowUp, Eye, GitBranch } from 'lucide-react';
import Link from 'next/link';
import type { RunSummary } from '~/shared/fold';
import type { Actor } from '~/shared/ids';
import { Ago } from '../_components/Ago';
import { count, measured, percent } from '../_components/format';
import { Progress } from '../_components/Progress';
import { StatusBadge } from '../_components/StatusBadge';
import { RunMenu } from './RunMenu';
import type { SortKey, TableQuery } from './tableQuery';

const numberClass = 'text-right font-mono text-xs';
/** Narrow screens show the first columns; what they leave out stands under the name there. */
const columns: { key: SortKey; title: string; className: string; cell(run: RunSummary): React.ReactNode }[] = [
  { key: 'status', title: 'Status', className: 'hidden text-left sm:table-cell', cell: (r) => <StatusBadge status={r.status} /> },
  { key: 'step', title: 'Step', className: `hidden w-36 md:table-cell ${numberClass}`, cell: (r) => <Steps run={r} /> },
  { key: 'loss', title: 'Loss', className: `hidden lg:table-cell ${numberClass}`, cell: (r) => measured(r.loss) },
  { key: 'accuracy', title: 'Accuracy', className: numberClass, cell: (r) => percent(r.accuracy) },
  {
    key: 'validationAccuracy',
    title: 'Validation',
    className: `hidden lg:table-cell ${numberClass}`,
    cell: (r) => percent(r.validationAccuracy),
  },
  { key: 'testAccuracy', title: 'Test', className: `hidden md:table-cell ${numberClass}`, cell: (r) => percent(r.testAccuracy) },
  {
    key: 'watchers',
    title: 'Watching',
    className: `hidden sm:table-cell ${numberClass}`,
    cell: (r) => <Watching n={r.watchers} />,
  },
  {
    key: 'createdAt',
    title: 'Started',
    className: 'hidden text-right md:table-cell',
    cell: (r) => (
      <span className="text-dim">
        {r.createdBy.name}, <Ago at={r.createdAt} />
      </span>
    ),
  },
];

export function RunTable({
  runs,
  query,
  onSort,
  chosen,
  onChoose,
  you,
}: {
  runs: RunSummary[];
  query: TableQuery;
  onSort(key: SortKey): void;
  chosen: ReadonlySet<string>;
  onChoose(runId: string): void;
  you: Actor | null;
}) {
  return (
    <table className="w-full border-collapse">
      <thead>
        <tr className="border-b border-line">
          <th className="w-8 px-2" scope="col">
            <span className="sr-only">Choose to compare</span>
          </th>
          <Heading sortKey="name" title="Run" className="pl-0 text-left" query={query} onSort={onSort} />
          {columns.map((c) => (
            <Heading key={c.key} sortKey={c.key} title={c.title} className={c.className} query={query} onSort={onSort} />
          ))}
          <th className="w-8" scope="col">
            <span className="sr-only">Actions</span>
          </th>
        </tr>
      </thead>
      <tbody>
        {runs.map((run) => (
          <tr key={run.runId} className="group border-b border-line/70 last:border-0 hover:bg-raised/60">
            <td className="px-2 text-center align-middle">
              <input
                type="checkbox"
                aria-label={`Compare ${run.name}`}
                className="size-3.5 accent-accent"
                checked={chosen.has(run.runId)}
                onChange={() => onChoose(run.runId)}
              />
            </td>
            <td className="max-w-0 min-w-40 py-1.5 pr-3">
              <Link href={`/runs/${run.runId}`} className="block truncate font-medium hover:text-accent">
                {run.parent && <GitBranch aria-label="branch" size={12} className="mr-1 inline text-dim" />}
                {run.name}
              </Link>
              <span className="flex flex-wrap items-center gap-x-2 text-2xs text-dim">
                <span className="sm:hidden">
                  <StatusBadge status={run.status} />
                </span>
                <span>{run.task}</span>
                {run.pictures && <span>{run.pictures}</span>}
                {run.backend && <span>{run.backend}</span>}
                {run.tags.map((tag) => (
                  <span key={tag} className="rounded-sm border border-line px-1">
                    {tag}
                  </span>
                ))}
              </span>
              <span className="mt-1 block md:hidden">
                <Progress step={run.step} total={run.totalSteps} label={`Progress of ${run.name}`} />
              </span>
            </td>
            {columns.map((c) => (
              <td key={c.key} className={`px-2 py-1.5 whitespace-nowrap ${c.className}`}>
                {c.cell(run)}
              </td>
            ))}
            <td className="w-8 pr-1 text-right align-middle">
              <RunMenu run={run} you={you} />
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function Heading({
  sortKey,
  title,
  className,
  query,
  onSort,
}: {
  sortKey: SortKey;
  title: string;
  className: string;
  query: TableQuery;
  onSort(key: SortKey): void;
}) {
  const active = query.sort === sortKey;
  const Arrow = query.descending ? ArrowDown : ArrowUp;
  return (
    <th
      scope="col"
      aria-sort={active ? (query.descending ? 'descending' : 'ascending') : 'none'}
      className={`py-1 ${className.includes('text-right') ? 'pr-2 pl-1' : 'px-2'} ${className}`}
    >
      <button
        type="button"
        className={`inline-flex items-center gap-1 font-sans text-2xs font-semibold tracking-wider uppercase hover:text-ink ${active ? 'text-ink' : 'text-dim'}`}
        onClick={() => onSort(sortKey)}
      >
        {title}
        {active && <Arrow aria-hidden size={11} />}
      </button>
    </th>
  );
}

function Steps({ run }: { run: RunSummary }) {
  return (
    <span className="block">
      {count(run.step)}
      {run.totalSteps > 0 && <span className="text-dim"> / {count(run.totalSteps)}</span>}
      <Progress step={run.step} total={run.totalSteps} label={`Progress of ${run.name}`} />
    </span>
  );
}

function Watching({ n }: { n: number }) {
  if (n === 0) return <span className="text-dim">–</span>;
  return (
    <span className="inline-flex items-center justify-end gap-1">
      <Eye aria-hidden size={12} className="text-dim" />
      {n}
    </span>
  );
}
