import { useQuery } from '@tanstack/react-query';
import Link from 'next/link';
import { Button } from '~/app/_components/Button';
import { Explain } from '~/app/_components/Glossary';
import { useRecipes } from '~/app/_live/recipes';
import { stopRun } from '~/app/_live/stopRun';
import { useRun, useView } from '~/app/_live/useRun';
import { useAsk } from '~/app/_run/notes/useAsk';
import { api, useTrpc } from '~/app/_trpc/client';

/** The queue also changes with other runs and trainers, whose events this page does not receive. */
const askEveryMs = 3000;

/** Why no trainer has taken the run, and what the trainers run instead, each with a way to make room. */
export function Waits() {
  const { runId, recipe, waits, queued } = useView(
    (v) => ({
      runId: v.runId,
      recipe: v.setup.recipe?.name ?? '',
      waits: v.setup.recipe !== null && (v.status === 'queued' || v.status === 'waiting'),
      queued: v.status === 'queued',
    }),
    { runId: '', recipe: '', waits: false, queued: false },
  );
  const may = useRun((r) => r.you !== null && r.you.role !== 'viewer');
  const trpc = useTrpc();
  const why = useQuery({ ...trpc.runs.whyWaits.queryOptions({ runId }), enabled: waits, refetchInterval: askEveryMs });
  const trainers = useQuery({ ...trpc.trainers.list.queryOptions(), enabled: waits, refetchInterval: askEveryMs });
  const able =
    useRecipes(waits ? [recipe] : [])
      .get(recipe)
      ?.trainers.map((t) => t.name) ?? [];
  const cancel = useAsk();
  if (!waits || !why.data) return null;
  const busy = (trainers.data ?? []).filter((t) => t.connected && t.runId !== null && able.includes(t.name));
  return (
    <section
      role="status"
      aria-label="Why it waits"
      className="flex flex-wrap items-center justify-center gap-x-3 gap-y-1 border-b border-line bg-panel px-4 py-1 text-xs text-dim"
    >
      <span>It waits: {why.data}.</span>
      {busy.map((t) => (
        <Holder key={t.id} name={t.name} runId={t.runId!} may={may} />
      ))}
      {busy.length > 0 && <Explain term="makeRoom" />}
      {may && queued && (
        <Button size="small" disabled={cancel.busy} onClick={() => void cancel.ask(() => stopRun(runId))}>
          Cancel this run
        </Button>
      )}
    </section>
  );
}

/** The run that a trainer is running. */
function Holder({ name, runId, may }: { name: string; runId: string; may: boolean }) {
  const { busy, ask } = useAsk();
  const { data } = useQuery({ ...useTrpc().runs.view.queryOptions({ runId }), staleTime: 30_000 });
  const title = data?.setup.name ?? runId;
  return (
    <span className="inline-flex items-center gap-2">
      <span>
        {name} is training{' '}
        <Link href={`/runs/${runId}`} className="text-accent">
          {title}
        </Link>
      </span>
      {may && (
        <Button
          size="small"
          disabled={busy}
          aria-label={`Make room: send ${title} back to the queue`}
          onClick={() => void ask(() => api.runs.makeRoom.mutate({ runId }))}
        >
          Make room
        </Button>
      )}
    </span>
  );
}
