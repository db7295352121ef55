import { useState } from 'react';
import { Button } from '~/app/_components/Button';
import { inputClass } from '~/app/_components/Field';
import { count } from '~/app/_components/format';

/** Checkpoints of the runs that are known here. */
export interface Checkpoints {
  /** Newest first. */
  runs: readonly { runId: string; name: string }[];
  /** Newest first. @throws when the server cannot say */
  of(runId: string): Promise<{ step: number; hash: string }[]>;
}

type Found = { runId: string; list: { step: number; hash: string }[] } | { runId: string; problem: string } | null;

/** Finds the hash of a checkpoint by its run and step. @param label what it is for */
export function CheckpointPicker({
  label,
  checkpoints,
  onPick,
}: {
  label: string;
  checkpoints: Checkpoints;
  onPick(hash: string): void;
}) {
  const [open, setOpen] = useState(false);
  const [runId, setRunId] = useState('');
  const [found, setFound] = useState<Found>(null);
  const look = (id: string) => {
    setRunId(id);
    setFound(null);
    if (id === '') return;
    checkpoints.of(id).then(
      (list) => setFound({ runId: id, list }),
      (error) => setFound({ runId: id, problem: error instanceof Error ? error.message : String(error) }),
    );
  };
  // A late answer about a run that is no longer chosen is not shown.
  const now = found?.runId === runId ? found : null;
  if (!open)
    return (
      <Button size="small" look="bare" onClick={() => setOpen(true)}>
        Choose a checkpoint…
      </Button>
    );
  return (
    <span className="mt-1 grid gap-1">
      <select aria-label={`${label}: of which run`} className={inputClass} value={runId} onChange={(e) => look(e.target.value)}>
        <option value="">which run…</option>
        {checkpoints.runs.map((run) => (
          <option key={run.runId} value={run.runId}>
            {run.name} ({run.runId})
          </option>
        ))}
      </select>
      {now && 'problem' in now && <span className="text-2xs text-bad">{now.problem}</span>}
      {now && 'list' in now && now.list.length === 0 && <span className="text-2xs text-dim">This run has no checkpoint.</span>}
      {now && 'list' in now && now.list.length > 0 && (
        <select
          aria-label={`${label}: which checkpoint`}
          className={inputClass}
          defaultValue=""
          onChange={(e) => e.target.value !== '' && onPick(e.target.value)}
        >
          <option value="">which step…</option>
          {now.list.map(({ step, hash }) => (
            <option key={hash} value={hash}>
              step {count(step)}
            </option>
          ))}
        </select>
      )}
    </span>
  );
}
