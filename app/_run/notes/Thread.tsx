import { useState } from 'react';
import { cut } from '~/app/_charts/format';
import { Ago } from '~/app/_components/Ago';
import { Avatar } from '~/app/_components/Avatars';
import { Button } from '~/app/_components/Button';
import { count } from '~/app/_components/format';
import { rowNames } from '~/app/_components/rowNames';
import { useTimeline } from '~/app/_live/lists';
import { useReadOnly } from '~/app/_live/readOnly';
import { useRun, useView } from '~/app/_live/useRun';
import { GoToStep } from '~/app/_run/GoToStep';
import type { Note } from '~/shared/notes';
import { describeAnchor, takenBackTo } from './anchors';
import { Mentions } from './Mentions';
import { NoteField } from './NoteField';
import { goTo } from './noteDesk';
import { type Send, useSend } from './useSend';

/** What notes are called in the names of their buttons, by their ids: "Ada at step 1,200: the spike again". */
export function noteNames(notes: readonly Note[]): ReadonlyMap<string, string> {
  const words = notes.map(({ author, anchor, text }) => `${author.name} at step ${count(anchor.step)}: ${cut(text, 60)}`);
  return new Map(rowNames(words, (i) => `note ${i + 1}`).map((name, i) => [notes[i]!.id, name]));
}

/** A note and its answers. @param props.names from `noteNames`, of all notes on the page */
export function Thread(props: { note: Note; replies: Note[]; names: ReadonlyMap<string, string>; answering?: boolean }) {
  const { note, replies, names, answering = false } = props;
  const name = names.get(note.id);
  const { busy, send, add } = useSend(useView((v) => v.runId, ''));
  const readOnly = useReadOnly();
  const [reply, setReply] = useState(answering);
  const before = useTimeline((v) => takenBackTo(v, note), null);
  return (
    <div className={note.resolved ? 'opacity-75' : ''}>
      <p className="flex items-center gap-1.5 text-2xs text-dim">
        <GoToStep step={note.anchor.step} onGo={() => goTo(note.anchor)}>
          step {count(note.anchor.step)}
        </GoToStep>
        <span className="min-w-0 truncate" title={describeAnchor(note.anchor)}>
          {describeAnchor(note.anchor)}
        </span>
        {!readOnly && (
          <Button
            size="small"
            look="bare"
            className="ml-auto"
            of={name}
            disabled={busy}
            onClick={() => void send({ kind: 'resolve', id: note.id, resolved: !note.resolved })}
          >
            {note.resolved ? 'Reopen' : 'Resolve'}
          </Button>
        )}
      </p>
      {before !== null && <p className="text-2xs text-warn">Written before the run was taken back to step {count(before)}.</p>}
      {[note, ...replies].map((n) => (
        <Written key={n.id} note={n} name={names.get(n.id)} busy={busy} send={send} />
      ))}
      {!readOnly &&
        (reply ? (
          <div className="mt-1">
            <NoteField
              label="Reply"
              submit="Reply"
              of={name}
              focused
              busy={busy}
              {...(!answering && { onCancel: () => setReply(false) })}
              send={async (text) => {
                const sent = await add({ anchor: note.anchor, text, replyTo: note.id });
                if (sent && !answering) setReply(false);
                return sent;
              }}
            />
          </div>
        ) : (
          <Button size="small" look="bare" className="-ml-1.5" of={name} onClick={() => setReply(true)}>
            Reply
          </Button>
        ))}
    </div>
  );
}

function Written({ note, name, busy, send }: { note: Note; name: string | undefined; busy: boolean; send: Send }) {
  const you = useRun((r) => r.you);
  const readOnly = useReadOnly();
  // The text when the edit began: detects that somebody else changed it meanwhile, so that nothing is overwritten unseen.
  const [was, setWas] = useState<string | null>(null);
  const mine = !readOnly && you !== null && (note.author.id === you.id || you.role === 'admin');
  if (was !== null)
    return (
      <div className="mt-1">
        {note.text !== was && <p className="text-2xs text-warn">Changed meanwhile to: {note.text}</p>}
        <NoteField
          label="Note"
          submit="Save"
          of={name}
          start={was}
          focused
          busy={busy}
          onCancel={() => setWas(null)}
          send={async (text) => {
            const sent = await send({ kind: 'edit', id: note.id, text, was });
            if (sent) setWas(null);
            return sent;
          }}
        />
      </div>
    );
  return (
    <div className="group/note mt-1 flex items-start gap-1.5">
      <Avatar id={note.author.id} name={note.author.name} />
      <p className="min-w-0 flex-1 break-words whitespace-pre-wrap">
        <span className="sr-only">{note.author.name}: </span>
        <Mentions text={note.text} />
        <span className="ml-1.5 text-2xs text-dim">
          <Ago at={note.at} suffix=" ago" />
          {note.editedAt !== null && ', edited'}
        </span>
      </p>
      {mine && (
        <span className="flex opacity-0 group-focus-within/note:opacity-100 group-hover/note:opacity-100 pointer-coarse:opacity-100">
          <Button size="small" look="bare" of={name} onClick={() => setWas(note.text)}>
            Edit
          </Button>
          <Button size="small" look="bare" of={name} disabled={busy} onClick={() => void send({ kind: 'delete', id: note.id })}>
            Delete
          </Button>
        </span>
      )}
    </div>
  );
}
