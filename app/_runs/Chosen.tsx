import Link from 'next/link';
import { useState } from 'react';
import { Button, buttonClass } from '~/app/_components/Button';
import { Confirm } from '~/app/_components/Confirm';
import { count } from '~/app/_components/format';
import { Modal } from '~/app/_components/Modal';
import { comparePage, mostCompared } from '~/app/_live/comparePage';
import { whyWatches } from '~/app/_live/identity';
import type { Actor } from '~/shared/ids';
import { counted } from '~/shared/numbers';
import type { RunSummary } from '~/shared/summary';
import { ended } from '~/shared/view';
import type { ColumnShown } from './columns';
import { ExportChosen } from './ExportChosen';
import { TagForm } from './TagForm';
import { changeOf } from './tags';
import { useLabels } from './useLabels';

/** Actions on several runs at once. All of them can be undone, except stopping them, which asks for confirmation. */
export function Chosen(props: {
  runs: RunSummary[];
  you: Actor | null;
  columns: readonly ColumnShown[];
  onClear(): void;
  /** Called with the runs that were changed: those that stayed as they were stay chosen. */
  onDone(runs: readonly RunSummary[]): void;
  /** Called after labels of the runs have changed. */
  onChanged(): void;
}) {
  const { runs, you, columns, onClear, onDone, onChanged } = props;
  const [tagging, setTagging] = useState(false);
  const [stopping, setStopping] = useState(false);
  const { busy, act, archive, trash, stop } = useLabels(onChanged);
  const clearing = async (change: Promise<RunSummary[]>): Promise<boolean> => {
    const changed = await change;
    onDone(changed);
    return changed.length > 0;
  };
  if (runs.length === 0) return null;
  const many = counted(runs.length, 'run');

  const archived = runs.filter((r) => r.archived);
  const trashed = runs.filter((r) => r.trashed);
  const over = runs.filter((r) => ended(r.status) && !r.trashed);
  const going = runs.filter((r) => !ended(r.status));
  const present = runs.filter((r) => !r.archived);
  const some = over.length > 0 && over.length < runs.length - trashed.length;
  const steers = you !== null && you.role !== 'viewer';
  const admin = you?.role === 'admin';
  const actions = [
    { text: 'Archive', shown: steers && present.length > 0, change: () => archive(present, true) },
    { text: 'Out of the archive', shown: steers && archived.length > 0, change: () => archive(archived, false) },
    {
      text: some ? `Delete the ${over.length} that have ended` : 'Delete',
      shown: admin && trashed.length < runs.length,
      disabled: over.length === 0,
      title: over.length === 0 ? 'Stop them first' : undefined,
      change: () => trash(over, true),
    },
    { text: 'Out of the trash', shown: admin && trashed.length > 0, change: () => trash(trashed, false) },
  ];
  return (
    <section
      aria-label="Chosen runs"
      className="mb-2 flex flex-wrap items-center gap-2 rounded border border-accent/40 bg-accent/10 px-3 py-1.5"
    >
      <span role="status">{many} chosen</span>
      {runs.length > 1 &&
        (runs.length <= mostCompared ? (
          <Link className={buttonClass('plain', 'small')} href={comparePage(runs.map((r) => r.runId))}>
            Compare {runs.length}
          </Link>
        ) : (
          <span className="text-xs text-dim">at most {mostCompared} can be compared</span>
        ))}
      <ExportChosen runs={runs} columns={columns} />
      {steers && (
        <Button size="small" disabled={busy} onClick={() => setTagging(true)}>
          Tag…
        </Button>
      )}
      {steers && going.length > 0 && (
        <Button size="small" disabled={busy} onClick={() => setStopping(true)}>
          {going.length === runs.length
            ? 'Stop…'
            : going.length === 1
              ? 'Stop the one that goes on…'
              : `Stop the ${going.length} that go on…`}
        </Button>
      )}
      <Confirm
        open={stopping}
        title={`Stop ${going.length === 1 ? going[0]!.name : `${count(going.length)} runs`}?`}
        text="What trains ends after its current step. What waits in the queue is canceled."
        yes="Stop"
        why={you && whyWatches(you)}
        onYes={() => void clearing(stop(going))}
        onClose={() => setStopping(false)}
      />
      {actions.map(
        ({ text, shown, disabled, title, change }) =>
          shown && (
            <Button key={text} size="small" disabled={busy || disabled} title={title} onClick={() => void clearing(change())}>
              {text}
            </Button>
          ),
      )}
      <Button size="small" look="bare" className="ml-auto" onClick={onClear}>
        Clear
      </Button>
      <Modal open={tagging} onClose={() => setTagging(false)} title={`Tags of ${many}`}>
        <TagForm
          runs={runs}
          why={you && whyWatches(you)}
          onClose={() => setTagging(false)}
          onTags={(change, done) =>
            clearing(
              act(runs, { tagged: change }, done, ({ tags }) => {
                const { add, remove } = changeOf(tags, change);
                return { tagged: { add: remove, remove: add } };
              }),
            )
          }
        />
      </Modal>
    </section>
  );
}
