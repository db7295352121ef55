import { Popover } from '@base-ui/react/popover';
import { X } from 'lucide-react';
import { useState } from 'react';
import { buttonClass } from '~/app/_components/Button';
import { Select } from '~/app/_components/Field';
import { mostNotes, useList } from '~/app/_live/lists';
import { useView } from '~/app/_live/useRun';
import { NoteField } from './NoteField';
import { type Desk, noteDesk, type Place } from './noteDesk';
import { noteNames, Thread } from './Thread';
import { useSend } from './useSend';

/** Popup at the position of a note: write one, or read and answer a thread. */
export default function NotePopup({ desk }: { desk: Desk }) {
  const { clientX, clientY } = desk.at;
  const anchor = { getBoundingClientRect: () => new DOMRect(clientX, clientY, 0, 0) };
  return (
    <Popover.Root open modal="trap-focus" onOpenChange={(open) => !open && noteDesk.close()}>
      <Popover.Portal>
        <Popover.Positioner anchor={anchor} sideOffset={10} side="top" collisionPadding={8} className="z-60">
          <Popover.Popup
            finalFocus={false}
            className="flex max-h-(--available-height) w-80 max-w-[calc(100vw-1rem)] flex-col rounded border border-line bg-panel shadow-2xl shadow-black/40 outline-none"
          >
            <header className="flex items-center justify-between border-b border-line py-0.5 pr-1 pl-3">
              <Popover.Title className="text-xs font-semibold">{desk.kind === 'write' ? 'New note' : 'Notes here'}</Popover.Title>
              <Popover.Close aria-label="Close" className={buttonClass('bare', 'icon')}>
                <X aria-hidden size={14} />
              </Popover.Close>
            </header>
            {desk.kind === 'write' ? <Write places={desk.places} /> : <Read desk={desk} />}
          </Popover.Popup>
        </Popover.Positioner>
      </Popover.Portal>
    </Popover.Root>
  );
}

function Write({ places }: { places: Place[] }) {
  const { busy, add } = useSend(useView((v) => v.runId, ''));
  const [at, setAt] = useState(0);
  return (
    <div className="p-2">
      <NoteField
        label={`Note at ${places[at]!.words}`}
        submit="Add"
        placeholder="@name mentions somebody"
        focused
        busy={busy}
        send={async (text) => {
          const sent = await add({ anchor: places[at]!.anchor, text, replyTo: null });
          if (sent) noteDesk.close();
          return sent;
        }}
      >
        {places.length === 1 ? (
          <p className="text-2xs text-dim">{places[0]!.words}</p>
        ) : (
          <Select
            aria-label="Pinned to"
            className="font-sans text-2xs"
            options={places.map((p, i) => ({ value: String(i), text: p.words }))}
            value={String(at)}
            onPick={(next) => setAt(Number(next))}
          />
        )}
      </NoteField>
    </div>
  );
}

function Read({ desk }: { desk: Extract<Desk, { kind: 'read' }> }) {
  const notes = useList('notes', mostNotes);
  const names = noteNames(notes);
  const threads = desk.threads.flatMap((id) => notes.find((n) => n.id === id) ?? []);
  if (threads.length === 0) return <p className="p-3 text-dim">This note was deleted.</p>;
  return (
    <ul className="relative min-h-0 divide-y divide-line/70 overflow-y-auto px-3 pb-2">
      {threads.map((note) => (
        <li key={note.id} className="py-1.5">
          <Thread
            note={note}
            replies={notes.filter((n) => n.replyTo === note.id)}
            names={names}
            answering={threads.length === 1}
          />
        </li>
      ))}
    </ul>
  );
}
