import { useQuery } from '@tanstack/react-query';
import { useView } from '~/app/_live/useRun';
import { useTrpc } from '~/app/_trpc/client';

/** The queue changes with other runs and trainers, of which this page hears nothing. */
const askEveryMs = 3000;

/** Why a run that no trainer has stands still. */
export function Waits() {
  const { runId, waits } = useView(
    (v) => ({ runId: v.runId, waits: v.setup.recipe !== null && (v.status === 'queued' || v.status === 'waiting') }),
    { runId: '', waits: false },
  );
  const why = useQuery({ ...useTrpc().runs.whyWaits.queryOptions({ runId }), enabled: waits, refetchInterval: askEveryMs });
  if (!waits || !why.data) return null;
  return (
    <p role="status" aria-label="Why it waits" className="border-b border-line bg-panel px-4 py-1 text-center text-xs text-dim">
      It waits: {why.data}.
    </p>
  );
}
