import { ArrowDown, ArrowUp, Copy, Eye, GitBranch, MessageSquare } from 'lucide-react';
import Link from 'next/link';
import { memo } from 'react';
import { Ago } from '~/app/_components/Ago';
import { count, measured, percent } from '~/app/_components/format';
import { Progress } from '~/app/_components/Progress';
import { StatusBadge } from '~/app/_components/StatusBadge';
import { useRecipes } from '~/app/_live/recipes';
import type { Actor } from '~/shared/ids';
import type { MainResult, RunSummary } from '~/shared/summary';
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
    key: 'best',
    title: 'Best',
    className: `hidden lg:table-cell ${numberClass}`,
    cell: (r) => <Result of={r.best} />,
  },
  {
    key: 'evaluated',
    title: 'Newest result',
    className: `hidden md:table-cell ${numberClass}`,
    cell: (r) => <Result of={r.evaluated} />,
  },
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
  onTag,
  you,
}: {
  runs: RunSummary[];
  query: TableQuery;
  onSort(key: SortKey): void;
  chosen: ReadonlySet<string>;
  onChoose(runIds: string[], chosen: boolean): void;
  /** Shows the runs of a tag. */
  onTag(tag: string): void;
  you: Actor | null;
}) {
  const recipes = useRecipes(runs.map((r) => r.recipe));
  const all = runs.every((r) => chosen.has(r.runId));
  const some = runs.some((r) => chosen.has(r.runId));
  return (
    <table className="w-full border-collapse">
      <thead>
        <tr className="border-b border-line">
          <th className="w-8 px-2" scope="col">
            <input
              type="checkbox"
              aria-label={`Choose all ${runs.length} runs shown`}
              className="size-3.5 accent-accent"
              ref={(box) => {
                if (box) box.indeterminate = some && !all;
              }}
              checked={all}
              onChange={() =>
                onChoose(
                  runs.map((r) => r.runId),
                  !all,
                )
              }
            />
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
          <Row
            key={run.runId}
            run={run}
            title={recipes.get(run.recipe ?? '')?.title}
            chosen={chosen.has(run.runId)}
            onChoose={onChoose}
            onTag={onTag}
            you={you}
          />
        ))}
      </tbody>
    </table>
  );
}

/** A thousand of them must not be drawn anew for each that changes. */
const Row = memo(function Row({
  run,
  title,
  chosen,
  onChoose,
  onTag,
  you,
}: Pick<Parameters<typeof RunTable>[0], 'onChoose' | 'onTag' | 'you'> & {
  run: RunSummary;
  /** Of its recipe. */
  title: string | undefined;
  chosen: boolean;
}) {
  return (
    <tr className="group border-b border-line/70 last:border-0 hover:bg-raised/60">
      <td className="px-2 text-center align-middle">
        <input
          type="checkbox"
          aria-label={`Choose ${run.name}`}
          className="size-3.5 accent-accent"
          checked={chosen}
          onChange={() => onChoose([run.runId], !chosen)}
        />
      </td>
      <td className="max-w-0 min-w-40 py-1.5 pr-3">
        <Link href={`/runs/${run.runId}`} className="block truncate font-medium hover:text-accent">
          {run.parent && <GitBranch aria-label="branch" size={12} className="mr-1 inline text-dim" />}
          {run.name}
        </Link>
        {run.parent && (
          <span className="block truncate text-2xs text-dim" title={run.branchChange}>
            from step {count(run.parent.step)}
            {run.branchChange && `: ${run.branchChange}`}
          </span>
        )}
        <span className="flex flex-wrap items-center gap-x-2 text-2xs text-dim">
          <span className="sm:hidden">
            <StatusBadge status={run.status} />
          </span>
          {run.project !== 'default' && (
            <Label text={run.project} title={`Show runs of project ${run.project}`} onClick={onTag} />
          )}
          {run.group !== undefined && <Label text={run.group} title={`Show runs of group ${run.group}`} onClick={onTag} />}
          {run.recipe && <span title={run.recipe}>{title ?? run.recipe}</span>}
          {run.data && <span>{run.data}</span>}
          {run.backend && <span>{run.backend}</span>}
          {run.copyOf && (
            <span className="inline-flex items-center gap-0.5" title={`Imported as a copy of run ${run.copyOf}`}>
              <Copy aria-hidden size={10} /> copy of {run.copyOf}
            </span>
          )}
          {run.tags.map((tag) => (
            <Label key={tag} text={tag} title={`Show runs with ${tag}`} onClick={onTag} />
          ))}
          {run.notes?.newest && (
            <span className="inline-flex max-w-full min-w-0 items-center gap-1" title={run.notes.newest}>
              <MessageSquare aria-hidden size={10} className="shrink-0" />
              <span className="sr-only">Notes: </span>
              {run.notes.open > 1 && run.notes.open}
              <span className="max-w-60 truncate">{run.notes.newest}</span>
            </span>
          )}
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
  );
});

/** How good the run is, on which set or by which series. */
function Result({ of }: { of: MainResult | null }) {
  if (!of) return '–';
  return (
    <span title={of.split === null ? of.name : `${of.name} on ${of.split}`}>
      {of.share ? percent(of.value) : measured(of.value)}{' '}
      <span className="inline-block max-w-24 truncate align-bottom font-sans text-2xs text-dim">{of.split ?? of.name}</span>
    </span>
  );
}

/** A word of the run that others may have too. */
function Label({ text, title, onClick }: { text: string; title: string; onClick(text: string): void }) {
  return (
    <button
      type="button"
      className="max-w-40 truncate rounded-sm border border-line px-1 hover:text-ink"
      title={title}
      onClick={() => onClick(text)}
    >
      {text}
    </button>
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
