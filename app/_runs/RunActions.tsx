import { Archive, ArchiveRestore, Link as LinkIcon, MessageSquare, Pencil, RotateCcw, Trash2, Undo2, X } from 'lucide-react';
import { type FormEvent, type RefObject, useState } from 'react';
import AnchorMenu, { type MenuChoice } from '~/app/_components/AnchorMenu';
import { Confirm } from '~/app/_components/Confirm';
import { copyText } from '~/app/_components/CopyLine';
import { Field, FormEnd, inputClass, TextField, whyTooLong } from '~/app/_components/Field';
import { count } from '~/app/_components/format';
import { Modal } from '~/app/_components/Modal';
import { atBase } from '~/app/_live/base';
import { whyWatches } from '~/app/_live/identity';
import { useAsk } from '~/app/_run/notes/useAsk';
import { useSend } from '~/app/_run/notes/useSend';
import { api } from '~/app/_trpc/client';
import type { Actor } from '~/shared/ids';
import { longestNote } from '~/shared/notes';
import type { RunSummary } from '~/shared/summary';
import { ended } from '~/shared/view';
import { changeOf, tagsOf } from './tags';
import { useLabels } from './useLabels';

/** What is asked about a run. The list shows it, as the line of the run may leave the page meanwhile. */
export type RunDialog = 'labels' | 'note' | 'gone';

export interface RunActionsProps {
  run: RunSummary;
  you: Actor;
  anchor: RefObject<HTMLButtonElement | null>;
  /** Opens the new-run form with this run's settings. */
  onAgain(run: RunSummary): void;
  onDialog(run: RunSummary, dialog: RunDialog): void;
  onClose(): void;
}

/** Actions on a run in the list. All can be undone, except permanent deletion, which asks for confirmation. */
export default function RunActions({ run, you, anchor, onAgain, onDialog, onClose }: RunActionsProps) {
  const { archive, trash } = useLabels(() => {});
  const steers = you.role !== 'viewer';
  const over = ended(run.status);
  const choices: (MenuChoice | false)[] = [
    run.recipe !== null && steers && { icon: RotateCcw, text: 'Run again with changes…', onChoose: () => onAgain(run) },
    { icon: LinkIcon, text: 'Copy link', onChoose: () => void copyText(`${location.origin}${atBase(`/runs/${run.runId}`)}`) },
    steers && { icon: Pencil, text: 'Name and tags…', onChoose: () => onDialog(run, 'labels') },
    steers && { icon: MessageSquare, text: 'Note…', onChoose: () => onDialog(run, 'note') },
    steers &&
      (run.archived
        ? { icon: ArchiveRestore, text: 'Out of the archive', onChoose: () => void archive([run], false) }
        : { icon: Archive, text: 'Archive', onChoose: () => void archive([run], true) }),
    ...(you.role !== 'admin'
      ? []
      : run.trashed
        ? [
            { icon: Undo2, text: 'Out of the trash', onChoose: () => void trash([run], false) },
            { icon: X, text: 'Delete for good…', onChoose: () => onDialog(run, 'gone') },
          ]
        : [
            {
              icon: Trash2,
              text: over ? 'Delete' : 'Delete (stop it first)',
              disabled: !over,
              onChoose: () => void trash([run], true),
            },
          ]),
  ];
  return (
    <AnchorMenu
      label={`Actions on ${run.name}`}
      anchor={anchor.current}
      choices={choices.filter((c) => c !== false)}
      onClose={onClose}
    />
  );
}

/** Mounted only for the run whose dialog is open. */
export function RunDialogs(props: { run: RunSummary; you: Actor; open: RunDialog; onClose(): void }) {
  const { run, you, open, onClose: close } = props;
  const { ask } = useAsk();
  return (
    <>
      <Modal open={open === 'labels'} onClose={close} title="Name and tags">
        <LabelForm run={run} you={you} onClose={close} />
      </Modal>
      <Modal open={open === 'note'} onClose={close} title={`Note on ${run.name}`} help="pinned to its newest step">
        <NoteForm run={run} onClose={close} />
      </Modal>
      <Confirm
        open={open === 'gone'}
        title={`Delete ${run.name} for good?`}
        text={`All ${count(run.step)} steps of it go now; there is no way back. Branches made from it stay.`}
        yes="Delete for good"
        why={you.role === 'admin' ? null : 'only an admin deletes runs'}
        onYes={() => void ask(() => api.runs.remove.mutate({ runId: run.runId }))}
        onClose={close}
      />
    </>
  );
}

function LabelForm({ run, you, onClose }: { run: RunSummary; you: Actor; onClose(): void }) {
  const { busy, problem, ask } = useAsk('form');
  const [name, setName] = useState(run.name);
  const [tags, setTags] = useState(run.tags.join(', '));
  const read = tagsOf(tags);
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    if (!read.ok || name.trim() === '') return;
    // Only what was changed here: another person may have changed the rest meanwhile.
    const { add, remove } = changeOf(run.tags, { add: read.tags, remove: run.tags });
    const labels = {
      ...(name.trim() !== run.name && { name: name.trim() }),
      ...(add.length + remove.length > 0 && { tagged: { add, remove } }),
    };
    const same = Object.keys(labels).length === 0;
    if (same || (await ask(() => api.runs.label.mutate({ runId: run.runId, ...labels })))) onClose();
  };
  return (
    <form onSubmit={submit} noValidate className="space-y-3 p-4">
      <TextField
        label="Name"
        error={name.trim() === '' ? 'Name: give the run a name' : null}
        data-first
        longest={80}
        value={name}
        onChange={setName}
      />
      <TextField label="Tags" help="separated by commas" error={read.ok ? null : read.message} value={tags} onChange={setTags} />
      <FormEnd yes="Save" why={whyWatches(you)} problem={problem} disabled={busy} onCancel={onClose} />
    </form>
  );
}

function NoteForm({ run, onClose }: { run: RunSummary; onClose(): void }) {
  const { busy, problem, add } = useSend(run.runId, 'form');
  const [text, setText] = useState('');
  const tooLong = whyTooLong(text, longestNote);
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    if (text.trim() === '' || tooLong) return;
    const anchor = { step: run.step, chart: null, head: null };
    if (await add({ anchor, text, replyTo: null })) onClose();
  };
  return (
    <form onSubmit={submit} noValidate className="space-y-3 p-4">
      {run.notes?.newest && (
        <p className="text-xs break-words text-dim">
          Newest: <span className="text-ink">{run.notes.newest}</span>
        </p>
      )}
      <Field label="Note" help="everybody on the run sees it" error={tooLong}>
        {(ids) => (
          <textarea
            {...ids}
            data-first
            rows={3}
            className={`${inputClass} h-auto py-1 font-sans`}
            value={text}
            readOnly={busy}
            onChange={(e) => setText(e.target.value)}
          />
        )}
      </Field>
      <FormEnd yes="Add note" problem={problem} disabled={busy || text.trim() === '' || tooLong !== null} onCancel={onClose} />
    </form>
  );
}
