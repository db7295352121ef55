import { useQuery } from '@tanstack/react-query';
import { ArrowDown, ArrowUp, X } from 'lucide-react';
import Link from 'next/link';
import { Button } from '~/app/_components/Button';
import { bytes, count } from '~/app/_components/format';
import { LongName } from '~/app/_components/LongName';
import { Popup } from '~/app/_components/Popup';
import { rowNames } from '~/app/_components/rowNames';
import { findRuns } from '~/app/_live/findRuns';
import { stopRun } from '~/app/_live/stopRun';
import { Questions } from '~/app/_run/attention/Questions';
import { useAsk } from '~/app/_run/notes/useAsk';
import { api } from '~/app/_trpc/client';
import type { Actor } from '~/shared/ids';
import { counted } from '~/shared/numbers';
import type { RunSummary } from '~/shared/summary';
import type { TrainerSummary } from '~/shared/viewerProtocol';
import { beforeWhich, waitingRuns } from './queue';

/** Shows which trainer trains which run, and the waiting runs in order. @param waiting number of runs that wait for a trainer */
export function Trainers({ trainers, waiting, you }: { trainers: TrainerSummary[]; waiting: number; you: Actor | null }) {
  const connected = trainers.filter((t) => t.connected).length;
  return (
    <Popup
      title="Trainers"
      className="text-xs text-dim"
      trigger={`${counted(connected, 'trainer')}${waiting > 0 ? `, ${count(waiting)} waiting` : ''}`}
    >
      <TrainerList trainers={trainers} waiting={waiting} you={you} />
    </Popup>
  );
}

/** Most waiting runs listed: the next ones. */
const listed = 200;

/** @returns the runs that trainers hold, and the waiting runs, unordered */
function useInvolved(trainers: readonly TrainerSummary[], waiting: number) {
  const held = trainers.flatMap((t) => t.runId ?? []).sort();
  const ask = (search: string) => findRuns(search, { limit: listed, sort: 'createdAt' });
  const { data } = useQuery({
    queryKey: ['involved', held.join(), waiting],
    queryFn: async () => {
      const pages = await Promise.all([ask('status=queued,waiting'), ...(held.length > 0 ? [ask(`id=${held.join()}`)] : [])]);
      const runs = pages.flatMap(({ rows }) => rows.map((row) => row.run));
      return [...new Map(runs.map((r) => [r.runId, r])).values()];
    },
    refetchInterval: 2_000,
    placeholderData: (before: RunSummary[] | undefined) => before,
  });
  return data ?? [];
}

function TrainerList({ trainers, waiting, you }: { trainers: TrainerSummary[]; waiting: number; you: Actor | null }) {
  const runs = useInvolved(trainers, waiting);
  const queue = waitingRuns(runs, trainers);
  return (
    <>
      {trainers.length === 0 ? (
        <p className="text-dim">None has registered. Runs wait until one does.</p>
      ) : (
        <ul className="space-y-1.5">
          {trainers.map((t) => (
            <li key={t.id}>
              <p className="flex items-baseline gap-2">
                <span className="min-w-0 truncate font-medium" title={t.name}>
                  {t.name}
                </span>
                <span className={`ml-auto shrink-0 text-2xs ${t.connected ? 'text-good' : 'text-warn'}`}>
                  {t.connected ? 'connected' : 'away'}
                </span>
              </p>
              <p className="text-2xs break-words text-dim">
                {t.host}, {bytes(t.memoryBytes)}; {t.recipes.join(', ')}
              </p>
              <Held run={runs.find((r) => r.runId === t.runId)} runId={t.runId} others={queue.length > 0} you={you} />
            </li>
          ))}
        </ul>
      )}
      {queue.length > 0 && <Queue queue={queue} you={you} />}
      <Asked you={you} />
    </>
  );
}

/** @param others whether runs wait for a trainer */
function Held(props: { run: RunSummary | undefined; runId: string | null; others: boolean; you: Actor | null }) {
  const { run, runId, others, you } = props;
  const { busy, ask } = useAsk();
  if (runId === null) return <p className="text-2xs text-dim">idle</p>;
  return (
    <p className="flex items-center gap-2 text-2xs">
      <Link className="min-w-0 text-accent" href={`/runs/${runId}`}>
        <LongName>{run?.name ?? runId}</LongName>
      </Link>
      {run && (
        <span className="ml-auto shrink-0 text-dim">
          {run.status}, step {count(run.step)}
          {run.totalSteps > 0 && ` of ${count(run.totalSteps)}`}
        </span>
      )}
      {others && you !== null && you.role !== 'viewer' && (
        <Button
          size="small"
          of={run?.name ?? runId}
          disabled={busy}
          title="It saves a checkpoint, frees this trainer for the next in the queue, and goes on later with the same numbers"
          onClick={() => void ask(() => api.runs.makeRoom.mutate({ runId }))}
        >
          Make room
        </Button>
      )}
    </p>
  );
}

function Queue({ queue, you }: { queue: RunSummary[]; you: Actor | null }) {
  const { busy, ask } = useAsk();
  const may = you !== null && you.role !== 'viewer';
  const move = (run: RunSummary, direction: 'up' | 'down') => {
    const before = beforeWhich(queue, run.runId, direction);
    if (before !== undefined) void ask(() => api.runs.moveInQueue.mutate({ runId: run.runId, before }));
  };
  const names = rowNames(queue.map((run) => run.name));
  const cancel = ({ runId }: RunSummary) => void ask(() => stopRun(runId));
  return (
    <section aria-label="Runs that wait" className="mt-2 border-t border-line pt-2">
      <h3 className="text-2xs text-dim">Waiting, the next one first</h3>
      <ol className="space-y-0.5">
        {queue.map((run, i) => (
          <li key={run.runId} className="flex items-center gap-1 text-xs">
            <span className="w-4 shrink-0 text-right font-mono text-2xs text-dim">{i + 1}</span>
            <Link className="min-w-0 flex-1 text-accent" href={`/runs/${run.runId}`}>
              <LongName>{run.name}</LongName>
            </Link>
            {may && (
              <>
                <Step label={`Move ${names[i]} up`} disabled={busy || i === 0} onClick={() => move(run, 'up')}>
                  <ArrowUp aria-hidden size={12} />
                </Step>
                <Step label={`Move ${names[i]} down`} disabled={busy || i === queue.length - 1} onClick={() => move(run, 'down')}>
                  <ArrowDown aria-hidden size={12} />
                </Step>
                <Step label={`Cancel ${names[i]}`} disabled={busy} onClick={() => cancel(run)}>
                  <X aria-hidden size={12} />
                </Step>
              </>
            )}
          </li>
        ))}
      </ol>
    </section>
  );
}

/** Queries about checkpoints have their own queue: trainers answer them during training too. */
function Asked({ you }: { you: Actor | null }) {
  return (
    <section aria-label="Questions about checkpoints" className="mt-2 empty:hidden">
      <Questions may={you !== null && you.role !== 'viewer'} />
    </section>
  );
}

function Step({ label, ...rest }: { label: string; disabled: boolean; onClick(): void; children: React.ReactNode }) {
  return <Button size="small" look="bare" aria-label={label} title={label} {...rest} />;
}
