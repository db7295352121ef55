import { nanoid } from 'nanoid';
import { useState } from 'react';
import { count } from '~/app/_components/format';
import { stopRun } from '~/app/_live/stopRun';
import { toast } from '~/app/_live/toast';
import { api, describeError } from '~/app/_trpc/client';
import type { CommandAnswer } from '~/shared/commands';
import type { RunSummary } from '~/shared/summary';

export type Labels = Omit<Parameters<typeof api.runs.label.mutate>[0], 'runId'>;
type LabelsOf = Labels | ((run: RunSummary) => Labels);

/** Runs that are asked about together: as many as go in one request. */
const atOnce = 50;

/** Changes labels of runs: archived, in the trash, tags. Each change can be undone. Also stops runs, which cannot. */
export function useLabels(onChanged: () => void) {
  const [busy, setBusy] = useState(false);
  const named = (runs: readonly RunSummary[]) => (runs.length === 1 ? runs[0]!.name : `${count(runs.length)} runs`);
  /** @param done what is done, for people, who see how far it is. @returns the runs for which the server did it */
  const each = async (
    runs: readonly RunSummary[],
    done: string,
    ask: (run: RunSummary) => Promise<CommandAnswer>,
  ): Promise<RunSummary[]> => {
    const progress = nanoid();
    const taken: RunSummary[] = [];
    let problem: string | null = null;
    setBusy(true);
    for (let i = 0; i < runs.length; i += atOnce) {
      if (runs.length > atOnce)
        toast.message(`${count(i)} of ${named(runs)}: ${done}`, { id: progress, duration: Number.POSITIVE_INFINITY });
      await Promise.all(
        runs.slice(i, i + atOnce).map(async (run) => {
          try {
            const answer = await ask(run);
            if (answer.ok) taken.push(run);
            else problem ??= `${run.name}: ${answer.message}`;
          } catch (error) {
            problem ??= `${run.name}: ${describeError(error).message}`;
          }
        }),
      );
    }
    if (runs.length > atOnce) toast.dismiss(progress);
    setBusy(false);
    onChanged();
    const left = runs.length - taken.length;
    if (problem) toast.error(left > 1 ? `${count(left)} runs stayed as they were. ${problem}` : problem);
    return taken;
  };
  const label = (runs: readonly RunSummary[], labels: LabelsOf, done: string) =>
    each(runs, done, (run) =>
      api.runs.label.mutate({ runId: run.runId, ...(typeof labels === 'function' ? labels(run) : labels) }),
    );
  const takeBack = async (runs: readonly RunSummary[], back: LabelsOf) => {
    const taken = await label(runs, back, 'as before');
    if (taken.length > 0) toast.success(`${named(taken)}: as before`);
  };
  /** @param done what has changed, for people; @param back the labels that undo it. @returns the runs whose labels were changed */
  const act = async (runs: readonly RunSummary[], labels: LabelsOf, done: string, back: LabelsOf): Promise<RunSummary[]> => {
    const taken = await label(runs, labels, done);
    if (taken.length === 0) return taken;
    toast.success(`${named(taken)}: ${done}`, {
      duration: 10_000,
      action: { label: 'Undo', onClick: () => void takeBack(taken, back) },
    });
    return taken;
  };
  return {
    busy,
    act,
    stop: async (runs: readonly RunSummary[]) => {
      const taken = await each(runs, 'asked to stop', ({ runId }) => stopRun(runId));
      if (taken.length > 0) toast.success(`${named(taken)}: asked to stop`);
      return taken;
    },
    archive: (runs: readonly RunSummary[], archived: boolean) =>
      act(runs, { archived }, archived ? 'archived' : 'back in the list', { archived: !archived }),
    trash: (runs: readonly RunSummary[], trashed: boolean) =>
      act(runs, { trashed }, trashed ? 'in the trash' : 'out of the trash', { trashed: !trashed }),
  };
}
