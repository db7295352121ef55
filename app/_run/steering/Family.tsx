import { useQuery } from '@tanstack/react-query';
import { GitBranch } from 'lucide-react';
import Link from 'next/link';
import { buttonClass } from '~/app/_components/Button';
import { count } from '~/app/_components/format';
import { Popup } from '~/app/_components/Popup';
import { StatusBadge } from '~/app/_components/StatusBadge';
import { comparePage, mostCompared } from '~/app/_live/comparePage';
import { useView } from '~/app/_live/useRun';
import { useTrpc } from '~/app/_trpc/client';
import { counted } from '~/shared/numbers';

/** The tree of branches that this run belongs to, with the change of each, and a link to compare them. */
export function Family() {
  const runId = useView((v) => v.runId, '');
  const parent = useView((v) => v.parent, null);
  const { data } = useQuery({ ...useTrpc().runs.family.queryOptions({ runId }), refetchInterval: 15_000 });
  const { members: family, leftOut } = data ?? { members: [], leftOut: 0 };
  if (family.length < 2 && !parent) return null;
  const branches = family.length + leftOut - 1;
  const ids = family.map(({ run }) => run.runId);
  // This run, and its neighbors in the tree.
  const first = Math.max(0, Math.min(ids.indexOf(runId) - mostCompared / 2, ids.length - mostCompared));
  const compared = ids.slice(first, first + mostCompared);
  return (
    <Popup
      title="Branches"
      className="text-xs text-dim"
      trigger={
        <>
          <GitBranch aria-hidden size={12} />
          {parent ? `from step ${count(parent.step)}` : counted(branches, 'branch', 'branches')}
        </>
      }
    >
      <ul className="space-y-1">
        {family.map(({ run, depth }) => (
          <li key={run.runId} style={{ paddingLeft: 14 * Math.min(depth, 8) }}>
            <p className="flex items-center gap-2">
              {run.runId === runId ? (
                <strong className="min-w-0 truncate">{run.name}</strong>
              ) : (
                <Link href={`/runs/${run.runId}`} className="min-w-0 truncate text-accent hover:underline">
                  {run.name}
                </Link>
              )}
              <span className="ml-auto shrink-0">
                <StatusBadge status={run.status} />
              </span>
            </p>
            {run.parent && (
              <p className="text-2xs text-dim">
                from step {count(run.parent.step)}: {run.branchChange ?? 'no other change'}
              </p>
            )}
          </li>
        ))}
      </ul>
      {leftOut > 0 && <p className="mt-1 text-2xs text-dim">and {count(leftOut)} more, in the list of runs grouped by family</p>}
      {family.length > 1 && (
        <Link href={comparePage(compared)} className={`${buttonClass('plain', 'small')} mt-2`}>
          {compared.length < ids.length ? `Compare ${compared.length} of them` : 'Compare them'}
        </Link>
      )}
    </Popup>
  );
}
