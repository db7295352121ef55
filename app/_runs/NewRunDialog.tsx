import { useQuery } from '@tanstack/react-query';
import { useRouter } from 'next/navigation';
import { useCallback, useEffect, useMemo, useState } from 'react';
import { CopyLine } from '~/app/_components/CopyLine';
import { count } from '~/app/_components/format';
import { Modal } from '~/app/_components/Modal';
import { useRecipesQuery } from '~/app/_live/recipes';
import { toast } from '~/app/_live/toast';
import { useOpen } from '~/app/_live/useOpen';
import { useRunIds } from '~/app/_live/useRunIds';
import { api, describeError, problemsOf, useTrpc } from '~/app/_trpc/client';
import type { Actor } from '~/shared/ids';
import { withTerm } from '~/shared/runSearch';
import type { RunSetupInput } from '~/shared/setup';
import type { RunSummary } from '~/shared/summary';
import type { ListItems } from '~/shared/view';
import type { TrainerSummary } from '~/shared/viewerProtocol';
import type { Checkpoints } from './newRun/CheckpointPicker';
import { type Draft, draftLike, emptyDraft, filledIn, keepDraft, readDraft, setupsOf } from './newRun/draft';
import { NewRunForm } from './newRun/NewRunForm';
import type { Problem } from './newRun/problems';
import { useEstimate } from './newRun/useEstimate';
import { type Answered, useProblems, withProblems } from './newRun/useProblems';
import { RunPicker } from './RunPicker';
import { useCatalog } from './useCatalog';

export function NewRunDialog(props: {
  open: boolean;
  /** The run whose settings fill in the form. */
  again?: Pick<RunSummary, 'runId' | 'name'> | null;
  /** null: not known yet. */
  you: Actor | null;
  onClose(): void;
  trainers: readonly TrainerSummary[];
}) {
  const { open, again = null, you, onClose, trainers } = props;
  // Who loses the role keeps what was typed, until the role returns or the server refuses.
  const [could, setCould] = useState(false);
  const can = open && (could || (you !== null && you.role !== 'viewer'));
  if (can !== could) setCould(can);
  return (
    <Modal
      open={open}
      onClose={onClose}
      title={again ? `Run ${again.name} again` : 'New run'}
      {...(again && { help: 'Filled in with the settings of that run; change what you like.' })}
      wide
    >
      {you?.role === 'viewer' && !can ? (
        <p className="px-4 py-8 text-dim">
          {you.name} (viewer) may not start runs. An admin can change the role on the Team page.
        </p>
      ) : (
        <NewRun again={again?.runId ?? null} trainers={trainers} onStarted={onClose} />
      )}
    </Modal>
  );
}

const ask = async (setup: RunSetupInput): Promise<Problem[]> => (await api.runs.check.query({ setup })).problems;

function NewRun(props: {
  /** Id of the run whose settings fill in the form. */
  again: string | null;
  trainers: readonly TrainerSummary[];
  onStarted(): void;
}) {
  const { again, trainers, onStarted } = props;
  const router = useRouter();
  const trpc = useTrpc();
  // Recipes change when a trainer connects or disconnects.
  const recipes = useRecipesQuery(trainers.map((t) => `${t.id} ${t.connected}`).join());
  const like = useQuery({ ...trpc.runs.view.queryOptions({ runId: again ?? '' }), enabled: again !== null });
  const [draft, setDraft] = useState<Draft>(emptyDraft);
  const [refused, setRefused] = useState<Answered | null>(null);
  const [started, setStarted] = useState<number | null>(null);
  // Of a sweep that was refused half way: another start goes on with the runs that are missing.
  const [begun, setBegun] = useState({ about: '', runs: 0 });
  const idsFor = useRunIds();
  const open = useOpen();
  const { catalog } = useCatalog(true);

  const known = recipes.data ?? [];
  const ready = recipes.data !== undefined && (again === null || like.data !== undefined);
  // biome-ignore lint/correctness/useExhaustiveDependencies: filled in once, when its initial data has loaded
  useEffect(() => {
    if (ready) setDraft(like.data ? draftLike(like.data.setup, known) : readDraft());
  }, [ready]);
  const filled = useMemo(() => filledIn(draft, known), [draft, known]);
  const asked = useMemo(() => filled && setupsOf(draft, filled), [draft, filled]);
  const text = JSON.stringify(asked?.setups ?? null);
  const checked = useProblems(asked?.setups ?? null, ask);
  // A refused start may name only some of the fields that do not fit: the answer to what was typed names the others.
  const now = refused !== null && refused.about === text ? withProblems(refused, checked) : checked;
  const estimate = useEstimate(now.about === text && now.problems.length === 0 ? (asked?.setups[0] ?? null) : null);

  const change = useCallback(
    (next: Draft) => {
      setDraft(next);
      if (again === null) keepDraft(next);
    },
    [again],
  );
  const before = begun.about === text ? begun.runs : 0;
  const start = async () => {
    if (!asked) return;
    setStarted(before);
    const runIds = idsFor(`${draft.paused} ${text}`, asked.setups.length);
    let first: string | null = null;
    const all = asked.setups.length;
    for (const [i, setup] of asked.setups.entries()) {
      if (i < before) continue;
      if (!open.current)
        return toast.warning(`The form was closed: ${count(i)} of ${count(all)} runs of ${asked.group} were started`);
      try {
        const { runId } = await api.runs.create.mutate({ setup, runId: runIds[i], ...(draft.paused && { paused: true }) });
        first ??= runId;
        setStarted(i + 1);
      } catch (error) {
        const found = problemsOf(error).map((p) => ({ ...p, field: p.field.replace(/^setup\./, '') }));
        const problems = found.length > 0 ? found : [{ field: '', message: describeError(error).message }];
        const others = i === 0 ? [] : [{ field: '', message: `${count(i)} of ${count(all)} runs were started; then:` }];
        setRefused({ about: text, problems: [...others, ...problems] });
        setBegun({ about: text, runs: i });
        setStarted(null);
        if (!open.current) toast.error([...others, ...problems].map((p) => p.message).join(' '));
        return;
      }
    }
    if (again === null) keepDraft(null);
    if (asked.group === null && open.current) router.push(`/runs/${first}`);
    else
      toast.success(
        asked.group === null ? `${asked.setups[0]!.name} is queued` : `${count(all)} runs of ${asked.group} are queued`,
      );
    if (asked.group !== null && open.current) {
      const search = withTerm('', 'group', asked.group);
      router.push(`/?find=${encodeURIComponent(search)}`);
      onStarted();
    }
  };

  const broken = recipes.error ?? like.error;
  if (broken && known.length === 0)
    return <p className="px-4 py-8 text-bad">The recipes could not be read: {describeError(broken).message}</p>;
  if (!ready) return <p className="px-4 py-8 text-dim">Reading the recipes…</p>;
  if (known.length === 0)
    return (
      <div className="space-y-2 px-4 py-6 text-dim">
        <p>No recipe is known yet: they come with the first trainer that connects. This one starts with the server:</p>
        <CopyLine label="the command that starts server and trainer" text="HEADROOM_TRAINERS=1 npm start" />
        <p>A script of your own opens its run without a trainer.</p>
      </div>
    );
  return (
    <NewRunForm
      recipes={known}
      draft={draft}
      problems={now.problems}
      settled={now.about === text}
      started={started}
      before={before}
      asked={asked!}
      estimate={estimate}
      trainers={trainers}
      checkpoints={checkpoints}
      projects={catalog?.projects ?? []}
      onChange={change}
      onStart={() => void start()}
    />
  );
}

/** Most checkpoints offered of a run, newest first; an older one is entered by its hash. */
const mostCheckpoints = 200;

const checkpoints: Checkpoints = {
  runs: (onPick) => <RunPicker only="step>0" onPick={onPick} />,
  async of(runId) {
    const items = (await api.runs.items.query({
      runId,
      kind: 'checkpoints',
      limit: mostCheckpoints,
    })) as ListItems['checkpoints'][];
    return items.map((c) => ({ step: c.step, hash: c.blob.hash })).reverse();
  },
};
