import { useMemo, useState } from 'react';
import { Button } from '~/app/_components/Button';
import { count } from '~/app/_components/format';
import { VirtualList } from '~/app/_components/VirtualList';
import { mostNotes, useLoaded } from '~/app/_live/lists';
import { useReadOnly } from '~/app/_live/readOnly';
import { useView } from '~/app/_live/useRun';
import { Older, PanelBody } from '~/app/_run/PanelBody';
import { useStepThere } from '~/app/_run/timeline/snapshotWords';
import { isThread } from './anchors';
import { NoteField } from './NoteField';
import { noteNames, Thread } from './Thread';
import { useSend } from './useSend';

/** Notes about this run, in threads; each is pinned to a step, and optionally to a chart value, a head or a cell. */
export function NotesPanel() {
  const { items: notes, whole, older } = useLoaded('notes', mostNotes);
  const names = useMemo(() => noteNames(notes), [notes]);
  const readOnly = useReadOnly();
  const [showResolved, setShowResolved] = useState(false);
  const threads = notes.filter(isThread).sort((a, b) => b.anchor.step - a.anchor.step);
  const shown = threads.filter((n) => showResolved || !n.resolved);
  const resolved = threads.filter((n) => n.resolved).length;
  return (
    <PanelBody
      title="Notes"
      tools={
        resolved > 0 && (
          <Button size="small" look="bare" onClick={() => setShowResolved(!showResolved)}>
            {showResolved ? 'Hide' : 'Show'} {resolved} resolved
          </Button>
        )
      }
    >
      {!readOnly && <NewNote />}
      {shown.length === 0 ? (
        <p className={`px-3 pb-3 text-dim ${readOnly ? 'pt-3' : ''}`}>
          No notes.
          {!readOnly &&
            ' One written here is pinned to the step you look at; a right click or N pins it to a chart, a head or a cell.'}
        </p>
      ) : (
        <VirtualList
          items={shown}
          keyOf={(note) => note.id}
          estimate={64}
          className="divide-y divide-line/70"
          label="Notes, newest step first"
        >
          {(note) => (
            <div className="px-3 py-1.5">
              <Thread note={note} replies={notes.filter((n) => n.replyTo === note.id)} names={names} />
            </div>
          )}
        </VirtualList>
      )}
      {!whole && <Older onClick={older} />}
    </PanelBody>
  );
}

function NewNote() {
  const { busy, add } = useSend(useView((v) => v.runId, ''));
  const step = useStepThere();
  return (
    <div className="p-2">
      <NoteField
        label={`Note at step ${count(step)}`}
        submit="Add"
        placeholder={`Note at step ${count(step)}; @name mentions`}
        busy={busy}
        send={(text) => add({ anchor: { step, chart: null, head: null }, text, replyTo: null })}
      />
    </div>
  );
}
