import { type ReactNode, useState } from 'react';
import { Button } from '~/app/_components/Button';
import { Select } from '~/app/_components/Field';
import { count } from '~/app/_components/format';
import { describeError } from '~/app/_trpc/client';

/** Checkpoints of the runs known on this server. */
export interface Checkpoints {
  /** Draws a run picker. */
  runs(onPick: (run: { runId: string; name: string }) => void): ReactNode;
  /** Newest first. @throws when the server cannot answer */
  of(runId: string): Promise<{ step: number; hash: string }[]>;
}

type Found = { runId: string; list: { step: number; hash: string }[] } | { runId: string; problem: string } | null;
interface Chosen {
  runId: string;
  name: string;
}

/** Chooses a checkpoint by its run and step. @param label purpose of the checkpoint */
export function CheckpointPicker(props: {
  label: string;
  checkpoints: Checkpoints;
  /** '' = none. */
  hash: string;
  onPick(hash: string): void;
}) {
  const { label, checkpoints, hash, onPick } = props;
  const [open, setOpen] = useState(false);
  const [run, setRun] = useState<Chosen | null>(null);
  const [found, setFound] = useState<Found>(null);
  const look = (chosen: Chosen) => {
    setRun(chosen);
    setFound(null);
    checkpoints.of(chosen.runId).then(
      (list) => setFound({ runId: chosen.runId, list }),
      (error) => setFound({ runId: chosen.runId, problem: describeError(error).message }),
    );
  };
  // A late answer about a run that is no longer chosen is not shown.
  const now = run && found?.runId === run.runId ? found : null;
  const step = now && 'list' in now ? now.list.find((c) => c.hash === hash)?.step : undefined;
  return (
    <span className="mt-1 grid gap-1">
      {step !== undefined && (
        <span className="text-xs">
          {run!.name}, step {count(step)}
        </span>
      )}
      <span className="flex gap-1">
        <Button size="small" of={label} aria-expanded={open} onClick={() => setOpen(!open)}>
          {hash === '' ? 'Choose a checkpoint…' : 'Choose another…'}
        </Button>
        {hash !== '' && (
          <Button size="small" look="bare" of={label} onClick={() => onPick('')}>
            None
          </Button>
        )}
      </span>
      {open && !run && checkpoints.runs(({ runId, name }) => look({ runId, name }))}
      {open && run && (
        <>
          <span className="flex items-center gap-1 text-xs">
            <span className="min-w-0 truncate">of {run.name}</span>
            <Button size="small" look="bare" of={label} onClick={() => setRun(null)}>
              Another run
            </Button>
          </span>
          {!now && <span className="text-2xs text-dim">Reading its checkpoints…</span>}
          {now && 'problem' in now && <span className="text-2xs text-bad">{now.problem}</span>}
          {now && 'list' in now && now.list.length === 0 && (
            <span className="text-2xs text-dim">This run has no checkpoint.</span>
          )}
          {now && 'list' in now && now.list.length > 0 && (
            <Select
              aria-label={`${label}: which checkpoint`}
              options={[
                { value: '', text: 'which step…' },
                ...now.list.map((c) => ({ value: c.hash, text: `step ${count(c.step)}` })),
              ]}
              value={hash}
              onPick={(picked) => {
                if (picked === '') return;
                onPick(picked);
                setOpen(false);
              }}
            />
          )}
        </>
      )}
    </span>
  );
}
