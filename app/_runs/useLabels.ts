import { useState } from 'react';
import { count } from '~/app/_components/format';
import { toast } from '~/app/_live/toast';
import { api, describeError } from '~/app/_trpc/client';
import type { RunSummary } from '~/shared/summary';

export type Labels = Omit<Parameters<typeof api.runs.label.mutate>[0], 'runId'>;
type LabelsOf = Labels | ((run: RunSummary) => Labels);

/** Changes labels of runs: archived, in the trash, tags. Each change can be undone. */
export function useLabels(onChanged: () => void) {
  const [busy, setBusy] = useState(false);
  /** @returns the runs whose labels were changed */
  const label = async (runs: readonly RunSummary[], labels: LabelsOf): Promise<RunSummary[]> => {
    const taken: RunSummary[] = [];
    let problem: string | null = null;
    setBusy(true);
    for (const run of runs) {
      try {
        const given = typeof labels === 'function' ? labels(run) : labels;
        const answer = await api.runs.label.mutate({ runId: run.runId, ...given });
        if (answer.ok) taken.push(run);
        else problem ??= `${run.name}: ${answer.message}`;
      } catch (error) {
        problem ??= `${run.name}: ${describeError(error).message}`;
      }
    }
    setBusy(false);
    onChanged();
    const left = runs.length - taken.length;
    if (problem) toast.error(left > 1 ? `${left} runs stayed as they were. ${problem}` : problem);
    return taken;
  };
  /** @param done what has changed, for people; @param back the labels that undo it. @returns the runs whose labels were changed */
  const act = async (runs: readonly RunSummary[], labels: LabelsOf, done: string, back: LabelsOf): Promise<RunSummary[]> => {
    const taken = await label(runs, labels);
    if (taken.length === 0) return taken;
    toast.success(`${taken.length === 1 ? taken[0]!.name : `${count(taken.length)} runs`}: ${done}`, {
      duration: 10_000,
      action: { label: 'Undo', onClick: () => void label(taken, back) },
    });
    return taken;
  };
  return {
    busy,
    act,
    archive: (runs: readonly RunSummary[], archived: boolean) =>
      act(runs, { archived }, archived ? 'archived' : 'back in the list', { archived: !archived }),
    trash: (runs: readonly RunSummary[], trashed: boolean) =>
      act(runs, { trashed }, trashed ? 'in the trash' : 'out of the trash', { trashed: !trashed }),
  };
}
