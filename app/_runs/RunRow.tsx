import { Copy, GitBranch, MessageSquare } from 'lucide-react';
import Link from 'next/link';
import { memo } from 'react';
import { count } from '~/app/_components/format';
import { LongName } from '~/app/_components/LongName';
import { Progress } from '~/app/_components/Progress';
import { StatusBadge } from '~/app/_components/StatusBadge';
import type { Actor } from '~/shared/ids';
import type { RunRow, Sparkline } from '~/shared/runTable';
import type { RunSummary } from '~/shared/summary';
import { Changed, type ColumnShown } from './columns';
import type { RunDialog } from './RunActions';
import { RunMenu } from './RunMenu';

export interface RowActions {
  onChoose(runs: readonly RunSummary[], chosen: boolean): void;
  /** Narrows the table to runs with this value: adds a search term. */
  onTerm(key: string, value: string): void;
  onAgain(run: RunSummary): void;
  onDialog(run: RunSummary, dialog: RunDialog): void;
  onFold(group: string, folded: boolean): void;
  /** The title of a recipe, by its name. */
  recipeTitle(name: string): string;
}

/** Values shown under the name because their columns do not fit. */
export type Below = { status: boolean; changed: boolean; step: boolean };

/** A line is rendered again only when its own run, trend or checkbox changes. */
export const Row = memo(function Row(props: {
  index: number;
  /** What its checkbox and its menu call the run. */
  name: string;
  row: RunRow;
  columns: readonly ColumnShown[];
  sparkline: Sparkline | undefined;
  chosen: boolean;
  you: Actor | null;
  actions: RowActions;
  below: Below;
  /** The menu stays in sight while the table is scrolled sideways. A table that fits has no such cells: each is a layer of its own. */
  stays: boolean;
}) {
  const { index, name, row, columns, sparkline, chosen, you, actions, below, stays } = props;
  const { run } = row;
  return (
    <tr aria-rowindex={index + 2} aria-selected={chosen} className="group/row hover:bg-raised/60">
      <td className="border-b border-line/70 px-2 text-center align-middle">
        <input
          type="checkbox"
          aria-label={`Choose ${name}`}
          className="mx-auto block size-4"
          checked={chosen}
          onChange={() => actions.onChoose([run], !chosen)}
        />
      </td>
      <th scope="row" className="h-(--line) overflow-hidden border-b border-line/70 pr-3 text-left font-normal">
        <Name row={row} actions={actions} below={below} />
      </th>
      {columns.map((c) => (
        <td
          key={c.key}
          className={`truncate border-b border-line/70 px-2 align-middle text-xs ${c.right ? 'text-right font-mono' : ''}`}
        >
          {c.cell(row, index, sparkline)}
        </td>
      ))}
      <td
        className={`border-b border-line/70 pr-1 text-right align-middle ${stays ? 'sticky right-0 bg-panel group-hover/row:bg-raised' : ''}`}
      >
        <RunMenu run={run} name={name} you={you} onAgain={actions.onAgain} onDialog={actions.onDialog} />
      </td>
    </tr>
  );
});

function Name({ row, actions, below }: { row: RunRow; actions: RowActions; below: Below }) {
  const { run } = row;
  const { onTerm } = actions;
  return (
    <>
      <Link
        href={`/runs/${run.runId}`}
        prefetch={false}
        title={run.name}
        className={`w-fit max-w-full font-medium hover:text-accent ${below.status ? 'line-clamp-3 leading-4 break-words' : 'flex items-center'}`}
      >
        {run.parent && <GitBranch aria-label="branch" size={12} className="mr-1 inline shrink-0 text-dim" />}
        {below.status ? run.name : <LongName title={null}>{run.name}</LongName>}
      </Link>
      <span
        className={`flex flex-wrap items-center gap-x-2 overflow-hidden text-2xs text-dim ${below.step && !below.status ? 'max-h-9' : 'max-h-[1.125rem]'}`}
        title={run.tags.join(', ') || undefined}
      >
        {below.status && (
          <span className="inline-flex h-[1.125rem] items-center">
            <StatusBadge status={run.status} />
          </span>
        )}
        {run.parent && (
          <span className="max-w-full truncate" title={run.branchChange}>
            from step {count(run.parent.step)}
            {run.branchChange && `: ${run.branchChange}`}
          </span>
        )}
        {run.project !== 'default' && <Label term="project" text={run.project} onClick={onTerm} />}
        {run.group !== undefined && <Label term="group" text={run.group} onClick={onTerm} />}
        {run.tags.map((tag) => (
          <Label key={tag} term="tag" text={tag} onClick={onTerm} />
        ))}
        {below.changed && row.changed.length > 0 && <Changed row={row} />}
        {run.notes?.newest && (
          <span className="inline-flex max-w-full min-w-0 items-center gap-1" title={run.notes.newest}>
            <MessageSquare aria-hidden size={10} className="shrink-0" />
            <span className="sr-only">Notes: </span>
            {run.notes.open > 1 && run.notes.open}
            <span className="max-w-60 truncate">{run.notes.newest}</span>
          </span>
        )}
        {run.copyOf && (
          <span className="inline-flex items-center gap-0.5" title={`Imported as a copy of run ${run.copyOf}`}>
            <Copy aria-hidden size={10} /> copy of {run.copyOf}
          </span>
        )}
        {run.data && <span>{run.data}</span>}
        {run.recipe && actions.recipeTitle(run.recipe) !== run.name && (
          <span title={run.recipe}>{actions.recipeTitle(run.recipe)}</span>
        )}
        {run.backend && <span>{run.backend}</span>}
      </span>
      {below.step && run.totalSteps > 0 && (
        <span className="mt-1 block">
          <Progress step={run.step} total={run.totalSteps} label={`Progress of ${run.name}`} />
        </span>
      )}
    </>
  );
}

/** A label of the run that other runs may share. */
function Label({ term, text, onClick }: { term: string; text: string; onClick(key: string, value: string): void }) {
  return (
    <button
      type="button"
      className="max-w-40 truncate rounded-sm border border-line px-1 hover:text-ink"
      title={`Show only runs of ${term} ${text}`}
      onClick={() => onClick(term, text)}
    >
      {text}
    </button>
  );
}
