import { useQuery } from '@tanstack/react-query';
import { type FormEvent, type ReactNode, useEffect, useId, useRef, useState } from 'react';
import { flushSync } from 'react-dom';
import { Button } from '~/app/_components/Button';
import { inputClass, whyTooLong } from '~/app/_components/Field';
import { Remark } from '~/app/_components/Remark';
import { useRun } from '~/app/_live/useRun';
import { useTrpc } from '~/app/_trpc/client';
import { mentionOf } from '~/shared/mentions';
import { longestNote } from '~/shared/notes';
import { candidates, completed, mentionAt } from './findMentions';

/**
 * A form for one note. Enter sends, Shift+Enter starts a new line, "@" suggests names. The field keeps its text until the server has accepted it.
 *
 * @param send resolves to whether the note was accepted
 */
export function NoteField(props: {
  label: string;
  /** Label of the button. */
  submit: string;
  start?: string;
  placeholder?: string;
  busy: boolean;
  focused?: boolean;
  /** What it is written about, where several fields are open. */
  of?: string;
  onCancel?(): void;
  send(text: string): Promise<boolean>;
  children?: ReactNode;
}) {
  const { label, submit, start = '', placeholder = '', busy, focused = false, of, onCancel, send, children } = props;
  const [text, setText] = useState(start);
  const [caret, setCaret] = useState(start.length);
  const [chosen, setChosen] = useState(0);
  const [dismissed, setDismissed] = useState(false);
  const [failed, setFailed] = useState(false);
  const field = useRef<HTMLTextAreaElement>(null);
  const id = useId();
  const names = useNames();
  const tooLong = whyTooLong(text, longestNote);
  const mention = mentionAt(text, caret);
  const offered = mention && !dismissed ? candidates(names, mention.typed) : [];
  const active = offered[Math.min(chosen, offered.length - 1)];

  useEffect(() => {
    if (focused) field.current?.focus();
  }, [focused]);

  const take = (name: string) => {
    const next = completed(text, caret, name);
    // The caret moves before the next key arrives: later, it would move while somebody types on.
    flushSync(() => {
      setText(next.text);
      setCaret(next.caret);
      setChosen(0);
    });
    field.current?.focus();
    field.current?.setSelectionRange(next.caret, next.caret);
  };
  const go = async (event?: FormEvent) => {
    event?.preventDefault();
    if (!text.trim() || busy || tooLong) return;
    const sent = await send(text);
    setFailed(!sent);
    if (!sent) return;
    setText('');
    setCaret(0);
  };
  const onKey = (event: React.KeyboardEvent) => {
    // The keys of a text that is still being composed (Japanese, Chinese) are not for the field.
    if (event.nativeEvent.isComposing) return;
    if (offered.length > 0) {
      const move = event.key === 'ArrowDown' ? 1 : event.key === 'ArrowUp' ? -1 : 0;
      if (move !== 0) setChosen((Math.min(chosen, offered.length - 1) + move + offered.length) % offered.length);
      else if ((event.key === 'Enter' || event.key === 'Tab') && active) take(active);
      else if (event.key === 'Escape') setDismissed(true);
      else return;
    } else if (event.key === 'Enter' && !event.shiftKey) void go();
    else if (event.key === 'Escape' && onCancel) onCancel();
    else return;
    event.preventDefault();
    event.stopPropagation();
  };

  return (
    <form onSubmit={go} className="flex flex-col gap-1">
      {children}
      <div className="relative flex items-end gap-1">
        <textarea
          ref={field}
          aria-label={label}
          placeholder={placeholder}
          aria-autocomplete="list"
          aria-haspopup="listbox"
          aria-controls={offered.length > 0 ? id : undefined}
          aria-activedescendant={active === undefined ? undefined : `${id}${mentionOf(active)}`}
          className={`${inputClass} field-sizing-content h-auto max-h-40 min-h-7 resize-none py-1 font-sans leading-5`}
          rows={1}
          value={text}
          // Once the server has accepted it the field is emptied, with what would be typed meanwhile.
          readOnly={busy}
          onChange={(e) => {
            setText(e.target.value);
            setCaret(e.target.selectionStart);
            setDismissed(false);
            setFailed(false);
          }}
          onSelect={(e) => setCaret(e.currentTarget.selectionStart)}
          onKeyDown={onKey}
        />
        <Button type="submit" of={of} disabled={busy || !text.trim() || tooLong !== null}>
          {submit}
        </Button>
        {onCancel && (
          <Button look="bare" of={of} onClick={onCancel}>
            Cancel
          </Button>
        )}
        {offered.length > 0 && (
          <div
            id={id}
            role="listbox"
            aria-label="People"
            className="absolute top-full left-0 z-10 mt-0.5 min-w-36 rounded border border-line bg-raised p-0.5 shadow-lg shadow-black/25"
          >
            {offered.map((name) => (
              // biome-ignore lint/a11y/useKeyWithClickEvents: the field keeps the focus and handles the keys
              <div
                key={name}
                id={`${id}${mentionOf(name)}`}
                role="option"
                tabIndex={-1}
                aria-selected={name === active}
                className={`cursor-default rounded-sm px-2 py-0.5 ${name === active ? 'bg-accent text-on-accent' : 'hover:bg-line'}`}
                onMouseDown={(e) => e.preventDefault()}
                onClick={() => take(name)}
              >
                {name}
              </div>
            ))}
          </div>
        )}
      </div>
      {tooLong && <Remark tone="bad">{tooLong}</Remark>}
      {failed && <Remark tone="bad">Not sent. The text stays here until it is.</Remark>}
    </form>
  );
}

/** Names to suggest, of those whom a mention reaches: the team, and the people on the page. Who wrote here may have been removed since. */
function useNames(): string[] {
  const { data } = useQuery({ ...useTrpc().team.people.queryOptions(), staleTime: 30_000 });
  const here = useRun((r) => r.watchers.listed.map((w) => w.actor.name));
  return [...(data ?? []).map((p) => p.name), ...here];
}
