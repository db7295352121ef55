import { useQuery } from '@tanstack/react-query';
import { GitBranch } from 'lucide-react';
import { useRouter } from 'next/navigation';
import { type FormEvent, useState } from 'react';
import { Button, type ButtonProps } from '~/app/_components/Button';
import { ChoiceField, Field, FormEnd, Select, TextField } from '~/app/_components/Field';
import { Modal } from '~/app/_components/Modal';
import { whyWatches } from '~/app/_live/identity';
import { useList } from '~/app/_live/lists';
import { useRunStore } from '~/app/_live/RunProvider';
import { toast } from '~/app/_live/toast';
import { useOpen } from '~/app/_live/useOpen';
import { useRun, useView } from '~/app/_live/useRun';
import { useRunIds } from '~/app/_live/useRunIds';
import { useAsk } from '~/app/_run/notes/useAsk';
import { api, describeError, useTrpc } from '~/app/_trpc/client';
import type { BranchRun } from '~/shared/runRequests';
import { type CommandRecord, isOpened, type ListItems, mostOpenCommands, type RunView } from '~/shared/view';
import { checkpointOption, describeCommand, readText, textOf } from './steering';
import { ValueInput } from './ValueInput';

/** A trainer has the run, and can save a checkpoint now. */
const inProgress = ({ status }: Pick<RunView, 'status'>) => status === 'running' || status === 'paused';

/** Opens a branch of this run, from one of its checkpoints or from its current step. */
export function BranchButton() {
  const possible = useView((v) => v.counts.checkpoints.count > 0 || inProgress(v), false);
  // A run that a script opened is branched by starting the script again (ScriptPanel).
  const scripts = useView(isOpened, true);
  if (scripts) return null;
  return (
    <OpenBranch
      disabled={!possible}
      title={possible ? 'Go on from a checkpoint in a run of its own' : 'This run has no checkpoint'}
    >
      Branch
    </OpenBranch>
  );
}

/** Asks what the run would have done without a change: a branch from the checkpoint before it, with every later change except this one. */
export const WhatIf = (props: { checkpoint: string; without: string; of: string }) => (
  <OpenBranch {...props} look="bare" title="What if we had not? Branch from the checkpoint before, without this change">
    Branch without this change
  </OpenBranch>
);

/** A button for the dialog, for people who may branch. */
export function OpenBranch({ checkpoint, without, children, ...button }: BranchFrom & ButtonProps) {
  const [open, setOpen] = useState(false);
  const there = useRun((r) => r.view !== null);
  const why = useRun((r) => r.you && whyWatches(r.you));
  const may = useRun((r) => r.you !== null) && why === null;
  // Who loses the role keeps what was typed, until the role returns or the server refuses.
  if (!there || !(may || open)) return null;
  return (
    <>
      <Button size="small" onClick={() => setOpen(true)} {...button}>
        <GitBranch aria-hidden size={12} />
        {children}
      </Button>
      {open && <BranchDialog checkpoint={checkpoint} without={without} why={why} onClose={() => setOpen(false)} />}
    </>
  );
}

interface BranchFrom {
  /** Hash of the checkpoint to start from; without it: the current step, or the last checkpoint of an ended run. */
  checkpoint?: string | undefined;
  /** The command to leave out when the later ones are repeated: "what if we had not". */
  without?: string | undefined;
}

interface Change {
  control: string;
  text: string;
}

const nothing = 'none of them';
const all = 'all of them';

function BranchDialog({ checkpoint, without, why, onClose }: BranchFrom & { why: string | null; onClose(): void }) {
  const router = useRouter();
  // The form does not change while the run continues.
  const store = useRunStore();
  const [view] = useState(() => store.get().view!);
  const { busy, problem, ask } = useAsk('form');
  const idsFor = useRunIds();
  const open = useOpen();
  // With one exception: of a run that ends meanwhile, "now" is its last checkpoint.
  const running = useView(inProgress, false);
  const saved = useList('checkpoints', 500).toReversed();
  const given = useCheckpoint(view.runId, checkpoint, saved);
  const offered = running ? saved.filter((c) => c.seq <= view.seq) : saved;
  const checkpoints = given && !offered.some((c) => c.seq === given.seq) ? [...offered, given] : offered;
  const [chosen, setFrom] = useState<string>(checkpoint ?? (running ? 'now' : (saved[0]?.blob.hash ?? '')));
  const from = chosen === 'now' && !running ? (checkpoints[0]?.blob.hash ?? '') : chosen;
  const [name, setName] = useState(`${view.setup.name} ${without ? 'what if' : 'branch'}`);
  const [changes, setChanges] = useState<Change[]>([]);
  const [repeat, setRepeat] = useState(without ?? nothing);
  const [problems, setProblems] = useState<Record<string, string>>({});

  const fork = checkpoints.find((c) => c.blob.hash === from);
  const { changed, error } = useLater(view.runId, fork);
  const later =
    changed && fork
      ? changed.filter((c) => c.command.kind === 'set' && c.outcome.status === 'applied' && c.outcome.seq > fork.seq)
      : [];
  // A branch without a change must not leave the others out because they are not known yet.
  const unknown = !changed && repeat !== nothing && from !== 'now';
  const specs = view.controls.values;
  const specOf = (control: string) => specs.find((s) => s.name === control)!;
  // A value that is off is one too.
  const startOf = (control: string): Change => {
    const state = view.values[control];
    return { control, text: textOf(state ? state.value : specOf(control).default) };
  };
  const add = () => {
    const free = specs.find((s) => !changes.some((c) => c.control === s.name));
    if (free) setChanges([...changes, startOf(free.name)]);
  };

  const submit = async (event: FormEvent) => {
    event.preventDefault();
    const found: Record<string, string> = {};
    if (!name.trim()) found.name = 'give the branch a name';
    const values = changes.map((c, i) => {
      const read = readText(specOf(c.control), c.text);
      if (!read.ok) found[`change${i}`] = read.message;
      return { control: c.control, value: read.ok ? read.value : null };
    });
    setProblems(found);
    if (Object.keys(found).length > 0) return;
    const request: BranchRun = {
      runId: view.runId,
      checkpoint: from === 'now' ? null : from,
      name,
      changes: values,
      repeat: repeat === nothing || later.length === 0 ? null : { without: repeat === all ? null : repeat },
    };
    await ask(async () => {
      const [branchId] = idsFor(JSON.stringify(request), 1);
      const answer = await api.runs.branch.mutate({ ...request, branchId });
      if (!answer.ok || answer.runId === null) return answer;
      if (open.current) router.push(`/runs/${answer.runId}`);
      else toast.success(`${name} is queued`);
      return answer;
    });
  };

  return (
    <Modal
      open
      onClose={onClose}
      title="Branch this run"
      help="A run of its own goes on from there. This one stays as it is. Without a change the branch repeats it bit for bit."
    >
      <form onSubmit={submit} noValidate className="relative flex min-h-0 flex-col gap-3 overflow-y-auto p-4">
        <TextField
          label="Name"
          data-first
          error={problems.name}
          className="font-sans"
          longest={80}
          value={name}
          onChange={setName}
        />
        <ChoiceField
          label="From"
          options={[
            ...(running ? [{ value: 'now', text: 'now (a checkpoint is made)' }] : []),
            ...checkpoints.map(checkpointOption),
          ]}
          value={from}
          onPick={setFrom}
        />
        <fieldset className="flex flex-col gap-1">
          <legend className="text-xs text-dim">Changed from the first step on</legend>
          {changes.map((c, i) => (
            <div key={i} className="flex items-start gap-1">
              <Select
                aria-label={`Control ${i + 1}`}
                className="font-sans"
                options={specs
                  .filter((s) => s.name === c.control || !changes.some((x) => x.control === s.name))
                  .map((s) => ({ value: s.name, text: s.label }))}
                value={c.control}
                onPick={(control) => setChanges(changes.with(i, startOf(control)))}
              />
              <Field label="" error={problems[`change${i}`]}>
                {(ids) => (
                  <ValueInput
                    {...ids}
                    spec={specOf(c.control)}
                    aria-label={`Value of ${specOf(c.control).label}`}
                    value={c.text}
                    onText={(text) => setChanges(changes.with(i, { ...c, text }))}
                  />
                )}
              </Field>
              <Button size="small" look="bare" of={specOf(c.control).label} onClick={() => setChanges(changes.toSpliced(i, 1))}>
                Remove
              </Button>
            </div>
          ))}
          {changes.length < specs.length && (
            <Button size="small" className="self-start" onClick={add}>
              Change a value
            </Button>
          )}
        </fieldset>
        {later.length > 0 && (
          <ChoiceField
            label="Repeat the later changes of this run at their steps"
            help="All but one asks: what if we had not?"
            options={[
              nothing,
              all,
              ...later.map((c) => ({
                value: c.command.id,
                text: `all without “${describeCommand(view, c.command)}” of ${c.actor.name}`,
              })),
            ]}
            value={repeat}
            onPick={setRepeat}
          />
        )}
        <FormEnd
          yes={busy ? 'Branching…' : 'Branch'}
          why={why}
          problem={problem ?? (unknown && error ? `The later changes could not be read: ${describeError(error).message}` : null)}
          disabled={busy || from === '' || unknown}
          onCancel={onClose}
        />
      </form>
    </Modal>
  );
}

/** A checkpoint by its hash: also one that is older than those that the page has. */
function useCheckpoint(
  runId: string,
  hash: string | undefined,
  loaded: readonly ListItems['checkpoints'][],
): ListItems['checkpoints'] | undefined {
  const known = loaded.find((c) => c.blob.hash === hash);
  const wanted = hash !== undefined && !known;
  const older = useQuery(useTrpc().runs.item.queryOptions({ runId, kind: 'checkpoints', hash: hash ?? '' }, { enabled: wanted }));
  return known ?? (older.data as ListItems['checkpoints'] | null | undefined) ?? undefined;
}

/** Changes that took effect after a checkpoint, in the order of their requests; at most one more than a branch can repeat. */
function useLater(runId: string, fork: ListItems['checkpoints'] | undefined) {
  const query = {
    runId,
    kind: 'commands' as const,
    tag: 'applied',
    fromStep: fork?.step ?? 0,
    after: 0,
    limit: mostOpenCommands + 1,
  };
  const { data, error } = useQuery(useTrpc().runs.items.queryOptions(query, { enabled: fork !== undefined }));
  return { changed: data as CommandRecord[] | undefined, error };
}
