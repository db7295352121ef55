'use client';

import { useQuery } from '@tanstack/react-query';
import { useRouter } from 'next/navigation';
import { useCallback, useEffect, useMemo, useState } from 'react';
import { Modal } from '~/app/_components/Modal';
import { api, describeError, problemsOf, useTrpc } from '~/app/_trpc/client';
import type { TrainerSummary } from '~/shared/protocol';
import type { RunSetupInput } from '~/shared/setup';
import type { RunSummary } from '~/shared/summary';
import type { ListItems } from '~/shared/view';
import type { Checkpoints } from './newRun/CheckpointPicker';
import { type Draft, emptyDraft, filledIn, keepDraft, readDraft, setupOf } from './newRun/draft';
import { NewRunForm } from './newRun/NewRunForm';
import type { Problem } from './newRun/problems';
import { type Answered, useProblems } from './newRun/useProblems';

export function NewRunDialog({
  open,
  onClose,
  runs,
  trainers,
}: {
  open: boolean;
  onClose(): void;
  runs: readonly RunSummary[];
  trainers: readonly TrainerSummary[];
}) {
  return (
    <Modal
      open={open}
      onClose={onClose}
      title="New run"
      help="Filled in with the recipe’s first preset; change what you like."
      wide
    >
      <NewRun runs={runs} trainers={trainers} />
    </Modal>
  );
}

const ask = async (setup: RunSetupInput): Promise<Problem[]> => (await api.runs.check.query({ setup })).problems;

function NewRun({ runs, trainers }: { runs: readonly RunSummary[]; trainers: readonly TrainerSummary[] }) {
  const router = useRouter();
  const recipes = useQuery(useTrpc().runs.recipes.queryOptions());
  const [draft, setDraft] = useState<Draft>(emptyDraft);
  useEffect(() => setDraft(readDraft(localStorage)), []);
  const [refused, setRefused] = useState<Answered | null>(null);
  const [sending, setSending] = useState(false);

  // A trainer that comes or goes brings recipes with it.
  const here = trainers.map((t) => `${t.id} ${t.connected}`).join();
  const { refetch } = recipes;
  useEffect(() => {
    if (here !== '') void refetch();
  }, [here, refetch]);

  const known = recipes.data ?? [];
  const filled = useMemo(() => filledIn(draft, known), [draft, known]);
  const setup = useMemo(() => filled && setupOf(draft, filled), [draft, filled]);
  const text = JSON.stringify(setup);
  const checked = useProblems(setup, ask);
  const now = refused?.about === text ? refused : checked;

  const change = useCallback((next: Draft) => {
    setDraft(next);
    keepDraft(localStorage, next);
  }, []);
  const start = async () => {
    if (!setup) return;
    setSending(true);
    try {
      const { runId } = await api.runs.create.mutate({ setup, ...(draft.paused && { paused: true }) });
      keepDraft(localStorage, null);
      router.push(`/runs/${runId}`);
    } catch (error) {
      const found = problemsOf(error).map((p) => ({ ...p, field: p.field.replace(/^setup\./, '') }));
      setRefused({ about: text, problems: found.length > 0 ? found : [{ field: '', message: describeError(error).message }] });
      setSending(false);
    }
  };

  if (recipes.error && known.length === 0)
    return <p className="px-4 py-8 text-bad">The recipes could not be read: {describeError(recipes.error).message}</p>;
  if (!recipes.data) return <p className="px-4 py-8 text-dim">Reading the recipes…</p>;
  if (known.length === 0)
    return (
      <p className="px-4 py-8 text-dim">
        No recipe is known yet: they come with the first trainer that connects. A script can open a run of its own without one.
      </p>
    );
  return (
    <NewRunForm
      recipes={known}
      draft={draft}
      problems={now.problems}
      settled={now.about === text}
      sending={sending}
      checkpoints={checkpointsOf(runs)}
      projects={[...new Set(runs.map((r) => r.project))]}
      onChange={change}
      onStart={() => void start()}
    />
  );
}

/** The newest of a run; any other is named by its hash. */
const mostCheckpoints = 200;

const checkpointsOf = (runs: readonly RunSummary[]): Checkpoints => ({
  runs: runs.filter((r) => !r.gone && !r.trashed && r.step > 0),
  async of(runId) {
    const items = (await api.runs.items.query({
      runId,
      kind: 'checkpoints',
      limit: mostCheckpoints,
    })) as ListItems['checkpoints'][];
    return items.map((c) => ({ step: c.step, hash: c.blob.hash })).reverse();
  },
});
