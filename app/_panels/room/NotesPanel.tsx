'use client';

import { nanoid } from 'nanoid';
import { type FormEvent, useState } from 'react';
import type { Note, NoteRequest } from '~/shared/notes';
import { Ago } from '../../_components/Ago';
import { Avatar } from '../../_components/Avatars';
import { Button } from '../../_components/Button';
import { inputClass } from '../../_components/Field';
import { count } from '../../_components/format';
import { Panel } from '../../_components/Panel';
import { setCursor, useCursor } from '../../_live/cursor';
import { useRun, useView } from '../../_live/useRun';
import { api } from '../../_trpc/client';
import { Mentions } from './Mentions';
import { useAsk } from './useAsk';

const none: Note[] = [];

/** What people wrote about this run, in threads, each pinned to a step and perhaps to a chart or a head. */
export function NotesPanel() {
  const notes = useView((v) => v.notes, none);
  const runId = useView((v) => v.runId, '');
  const [showResolved, setShowResolved] = useState(false);
  const { busy, ask } = useAsk();
  const send = (note: NoteRequest) => ask(() => api.runs.note.mutate({ runId, note }));
  const threads = notes.filter((n) => n.replyTo === null).sort((a, b) => b.anchor.step - a.anchor.step);
  const shown = threads.filter((n) => showResolved || !n.resolved);
  const resolved = threads.length - threads.filter((n) => !n.resolved).length;
  return (
    <Panel
      title="Notes"
      aside={
        resolved > 0 && (
          <Button size="small" look="bare" onClick={() => setShowResolved(!showResolved)}>
            {showResolved ? 'Hide' : 'Show'} {resolved} resolved
          </Button>
        )
      }
    >
      <NewNote busy={busy} send={send} />
      {shown.length === 0 ? (
        <p className="px-3 pb-3 text-dim">No notes. One you write is pinned to the step you look at.</p>
      ) : (
        <ol className="max-h-96 divide-y divide-line/70 overflow-y-auto" aria-label="Notes, newest step first">
          {shown.map((note) => (
            <Thread key={note.id} note={note} replies={notes.filter((n) => n.replyTo === note.id)} busy={busy} send={send} />
          ))}
        </ol>
      )}
    </Panel>
  );
}

type Send = (note: NoteRequest) => Promise<boolean>;

function NewNote({ busy, send }: { busy: boolean; send: Send }) {
  const step = useCursor((c) => c.step);
  const [text, setText] = useState('');
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    const anchor = { step, chart: null, head: null };
    if (text.trim() && (await send({ kind: 'add', id: nanoid(), anchor, text, replyTo: null }))) setText('');
  };
  return (
    <form onSubmit={submit} className="flex gap-1 p-2">
      <input
        aria-label={`Note at step ${step}`}
        placeholder={`Note at step ${count(step)}; @name mentions`}
        className={`${inputClass} font-sans`}
        maxLength={4000}
        value={text}
        onChange={(e) => setText(e.target.value)}
      />
      <Button type="submit" disabled={busy || !text.trim()}>
        Add
      </Button>
    </form>
  );
}

const whereInWords = ({ chart, head }: Note['anchor']): string =>
  [
    chart,
    head &&
      `layer ${head.layer + 1} head ${head.head + 1}${head.cell ? `, query ${head.cell.query} to key ${head.cell.key}` : ''}`,
  ]
    .filter(Boolean)
    .join(', ');

function Thread({ note, replies, busy, send }: { note: Note; replies: Note[]; busy: boolean; send: Send }) {
  const [reply, setReply] = useState<string | null>(null);
  const where = whereInWords(note.anchor);
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    if (!reply?.trim()) return;
    if (await send({ kind: 'add', id: nanoid(), anchor: note.anchor, text: reply, replyTo: note.id })) setReply(null);
  };
  return (
    <li className={`px-3 py-1.5 ${note.resolved ? 'opacity-60' : ''}`}>
      <p className="flex items-center gap-1.5 text-2xs text-dim">
        <button
          type="button"
          className="rounded-sm font-mono text-accent hover:underline"
          aria-label={`Go to step ${count(note.anchor.step)}`}
          onClick={() => setCursor.pin(note.anchor.step)}
        >
          step {count(note.anchor.step)}
        </button>
        {where}
        <Button
          size="small"
          look="bare"
          className="ml-auto"
          disabled={busy}
          onClick={() => void send({ kind: 'resolve', id: note.id, resolved: !note.resolved })}
        >
          {note.resolved ? 'Reopen' : 'Resolve'}
        </Button>
      </p>
      {[note, ...replies].map((n) => (
        <Written key={n.id} note={n} busy={busy} send={send} />
      ))}
      {reply === null ? (
        <Button size="small" look="bare" className="-ml-1.5" onClick={() => setReply('')}>
          Reply
        </Button>
      ) : (
        <form onSubmit={submit} className="mt-1 flex gap-1">
          <input
            aria-label="Reply"
            // biome-ignore lint/a11y/noAutofocus: the person has just asked for this field
            autoFocus
            className={`${inputClass} font-sans`}
            maxLength={4000}
            value={reply}
            onChange={(e) => setReply(e.target.value)}
            onKeyDown={(e) => e.key === 'Escape' && setReply(null)}
          />
          <Button type="submit" disabled={busy || !reply.trim()}>
            Reply
          </Button>
        </form>
      )}
    </li>
  );
}

function Written({ note, busy, send }: { note: Note; busy: boolean; send: Send }) {
  const you = useRun((r) => r.you);
  const [draft, setDraft] = useState<string | null>(null);
  const mine = you !== null && (note.author.id === you.id || you.role === 'admin');
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    if (draft?.trim() && (await send({ kind: 'edit', id: note.id, text: draft }))) setDraft(null);
  };
  if (draft !== null)
    return (
      <form onSubmit={submit} className="mt-1 flex gap-1">
        <input
          aria-label="Note"
          className={`${inputClass} font-sans`}
          maxLength={4000}
          value={draft}
          onChange={(e) => setDraft(e.target.value)}
          onKeyDown={(e) => e.key === 'Escape' && setDraft(null)}
        />
        <Button type="submit" disabled={busy || !draft.trim()}>
          Save
        </Button>
      </form>
    );
  return (
    <div className="group mt-1 flex items-start gap-1.5">
      <Avatar id={note.author.id} name={note.author.name} />
      <p className="min-w-0 flex-1 break-words whitespace-pre-wrap">
        <Mentions text={note.text} />
        <span className="ml-1.5 text-2xs text-dim">
          <Ago at={note.at} suffix=" ago" />
          {note.editedAt !== null && ', edited'}
        </span>
      </p>
      {mine && (
        <span className="flex opacity-0 group-focus-within:opacity-100 group-hover:opacity-100">
          <Button size="small" look="bare" onClick={() => setDraft(note.text)}>
            Edit
          </Button>
          <Button size="small" look="bare" disabled={busy} onClick={() => void send({ kind: 'delete', id: note.id })}>
            Delete
          </Button>
        </span>
      )}
    </div>
  );
}
