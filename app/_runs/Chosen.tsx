import Link from 'next/link';
import { useState } from 'react';
import { toast } from 'sonner';
import { Button, buttonClass } from '~/app/_components/Button';
import { count } from '~/app/_components/format';
import { Modal } from '~/app/_components/Modal';
import { api } from '~/app/_trpc/client';
import type { Actor } from '~/shared/ids';
import type { RunSummary } from '~/shared/summary';
import { ended } from '~/shared/view';
import type { ColumnShown } from './columns';
import { ExportChosen } from './ExportChosen';
import { TagForm } from './TagForm';

const mostCompared = 10;
type Labels = { archived?: boolean; trashed?: boolean; tags?: string[] };

/** Actions on several runs at once. All of them can be undone. */
export function Chosen({
  runs,
  you,
  columns,
  onClear,
  onChanged,
}: {
  runs: RunSummary[];
  you: Actor | null;
  columns: readonly ColumnShown[];
  onClear(): void;
  /** Called after labels of the runs have changed. */
  onChanged(): void;
}) {
  const [tagging, setTagging] = useState(false);
  const [busy, setBusy] = useState(false);
  if (runs.length === 0) return null;
  const many = runs.length === 1 ? '1 run' : `${count(runs.length)} runs`;

  /** @returns the runs whose labels were changed */
  const label = async (which: RunSummary[], labels: Labels | ((run: RunSummary) => Labels)): Promise<RunSummary[]> => {
    const taken: RunSummary[] = [];
    let problem: string | null = null;
    setBusy(true);
    for (const run of which) {
      try {
        const given = typeof labels === 'function' ? labels(run) : labels;
        const answer = await api.runs.label.mutate({ runId: run.runId, ...given });
        if (answer.ok) taken.push(run);
        else problem ??= `${run.name}: ${answer.message}`;
      } catch (error) {
        problem ??= `${run.name}: ${error instanceof Error ? error.message : String(error)}`;
      }
    }
    setBusy(false);
    onChanged();
    if (problem)
      toast.error(
        which.length - taken.length > 1 ? `${which.length - taken.length} runs stayed as they were. ${problem}` : problem,
      );
    return taken;
  };
  const act = async (
    which: RunSummary[],
    labels: Labels | ((run: RunSummary) => Labels),
    done: string,
    back: Labels | ((run: RunSummary) => Labels),
  ) => {
    const taken = await label(which, labels);
    if (taken.length === 0) return;
    onClear();
    toast.success(`${taken.length === 1 ? taken[0]!.name : `${count(taken.length)} runs`}: ${done}`, {
      duration: 10_000,
      action: { label: 'Undo', onClick: () => void label(taken, back) },
    });
  };
  const archived = runs.filter((r) => r.archived);
  const trashed = runs.filter((r) => r.trashed);
  const over = runs.filter((r) => ended(r.status) && !r.trashed);
  return (
    <section
      aria-label="Chosen runs"
      className="mb-2 flex flex-wrap items-center gap-2 rounded border border-accent/40 bg-accent/10 px-3 py-1.5"
    >
      <span role="status">{many} chosen</span>
      {runs.length > 1 &&
        (runs.length <= mostCompared ? (
          <Link className={buttonClass('plain', 'small')} href={`/compare?runs=${runs.map((r) => r.runId).join(',')}`}>
            Compare {runs.length}
          </Link>
        ) : (
          <span className="text-xs text-dim">at most {mostCompared} can be compared</span>
        ))}
      <ExportChosen runs={runs} columns={columns} />
      {you && you.role !== 'viewer' && (
        <>
          <Button size="small" disabled={busy} onClick={() => setTagging(true)}>
            Tag…
          </Button>
          {archived.length < runs.length && (
            <Button
              size="small"
              disabled={busy}
              onClick={() =>
                void act(
                  runs.filter((r) => !r.archived),
                  { archived: true },
                  'archived',
                  { archived: false },
                )
              }
            >
              Archive
            </Button>
          )}
          {archived.length > 0 && (
            <Button
              size="small"
              disabled={busy}
              onClick={() => void act(archived, { archived: false }, 'back in the list', { archived: true })}
            >
              Out of the archive
            </Button>
          )}
        </>
      )}
      {you?.role === 'admin' && (
        <>
          {trashed.length < runs.length && (
            <Button
              size="small"
              disabled={busy || over.length === 0}
              title={over.length === 0 ? 'Stop them first' : undefined}
              onClick={() => void act(over, { trashed: true }, 'in the trash', { trashed: false })}
            >
              Delete{over.length < runs.length - trashed.length && over.length > 0 ? ` the ${over.length} that have ended` : ''}
            </Button>
          )}
          {trashed.length > 0 && (
            <Button
              size="small"
              disabled={busy}
              onClick={() => void act(trashed, { trashed: false }, 'out of the trash', { trashed: true })}
            >
              Out of the trash
            </Button>
          )}
        </>
      )}
      <Button size="small" look="bare" className="ml-auto" onClick={onClear}>
        Clear
      </Button>
      <Modal open={tagging} onClose={() => setTagging(false)} title={`Tags of ${many}`}>
        <TagForm
          runs={runs}
          onClose={() => setTagging(false)}
          onTags={(tagsOfRun, done) =>
            void act(
              runs,
              (run) => ({ tags: tagsOfRun(run) }),
              done,
              (run) => ({ tags: run.tags }),
            )
          }
        />
      </Modal>
    </section>
  );
}
