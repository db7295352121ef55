import { describe, expect, it } from 'vitest';
import type { Actor } from '~/shared/ids';
import { applyToList, listChanges } from '~/shared/lists';
import { type Note, type NoteRequest, noteProblem, noteRequest } from '~/shared/notes';
import { viewAtStart } from '~/test/support/views';

const ada: Actor = { id: 'ada', name: 'Ada', role: 'viewer' };
const bob: Actor = { id: 'bob', name: 'Bob', role: 'operator' };
const admin: Actor = { id: 'root', name: 'Root', role: 'admin' };
const anchor = { step: 7, chart: 'loss', value: 0.5, head: { layer: 0, head: 1, cell: { query: 2, key: 3 } } };
const add = (id: string, text: string, replyTo: string | null = null): NoteRequest => ({
  kind: 'add',
  id,
  anchor,
  text,
  replyTo,
});
const written = (...by: [Actor, NoteRequest][]): Note[] =>
  by.reduce<Note[]>((notes, [actor, note], i) => withNote(notes, actor, note, i + 2), []);
function withNote(notes: Note[], actor: Actor, note: NoteRequest, seq: number): Note[] {
  const changes = listChanges(viewAtStart(), { seq, attempt: 0, at: seq, event: { type: 'note', actor, note } });
  return changes.reduce((list, change) => applyToList('notes', list, change), notes);
}
const thread = written([ada, add('note-root', 'why?')], [bob, add('note-reply', 'because', 'note-root')]);

describe('notes', () => {
  it('an edit of what somebody changed meanwhile is refused, so that of two writers none is overwritten unseen', () => {
    const edit = (text: string, was: string): NoteRequest => ({ kind: 'edit', id: 'note-root', text, was });
    expect(noteProblem(thread, ada, edit('why not?', 'why?'))).toBeNull();
    const changed = withNote(thread, admin, edit('why?!', 'why?'), 9);
    expect(noteProblem(changed, ada, edit('why not?', 'why?'))).toBe(
      'was: the note was changed meanwhile; read it again before you change it',
    );
    // Its answer was lost, and it is sent again.
    expect(noteProblem(changed, ada, edit('why?!', 'why?'))).toBeNull();
  });

  it('that is there already, answers no thread, or is unknown is refused with the field', () => {
    expect(noteProblem(thread, ada, add('note-new1', 'and?', 'note-root'))).toBeNull();
    expect(noteProblem(thread, ada, add('note-new1', 'and?'))).toBeNull();
    expect(noteProblem(thread, ada, add('note-root', 'and?'))).toBe('id: there is a note note-root already');
    expect(noteProblem(thread, ada, add('note-new1', 'and?', 'note-none'))).toBe('replyTo: there is no thread note-none');
    expect(noteProblem(thread, ada, add('note-new1', 'and?', 'note-reply'))).toBe('replyTo: there is no thread note-reply');
    expect(noteProblem(thread, ada, { kind: 'delete', id: 'note-none' })).toBe('id: there is no note note-none');
  });

  it('is changed by its author and by an admin alone; anybody may resolve it', () => {
    const edit: NoteRequest = { kind: 'edit', id: 'note-reply', text: 'because of it', was: 'because' };
    expect(noteProblem(thread, ada, edit)).toBe("id: this note is Bob's");
    expect(noteProblem(thread, bob, edit)).toBeNull();
    expect(noteProblem(thread, bob, { kind: 'edit', id: 'note-reply', text: 'because of it' })).toBeNull();
    expect(noteProblem(thread, admin, edit)).toBeNull();
    expect(noteProblem(thread, ada, { kind: 'resolve', id: 'note-root', resolved: true })).toBeNull();
    expect(noteProblem(thread, bob, { kind: 'resolve', id: 'note-root', resolved: true })).toBeNull();
  });

  it('a thread that others answered is not deleted with their words, but by an admin', () => {
    const remove: NoteRequest = { kind: 'delete', id: 'note-root' };
    expect(noteProblem(thread, ada, remove)).toBe('id: Bob answered it; resolve the thread instead');
    expect(noteProblem(thread, admin, remove)).toBeNull();
    expect(noteProblem(written([ada, add('note-root', 'why?')]), ada, remove)).toBeNull();
    expect(noteProblem(thread, ada, { kind: 'delete', id: 'note-reply' })).toBe("id: this note is Bob's");
    const ownAnswer = written(
      [ada, add('note-root', 'why?')],
      [ada, add('note-own1', 'so', 'note-root')],
      [bob, add('note-else', 'hm')],
    );
    expect(noteProblem(ownAnswer, ada, remove)).toBeNull();
    expect(noteProblem(thread, ada, { kind: 'edit', id: 'note-root', text: 'why not?', was: 'why?' })).toBeNull();
  });

  it('an anchor names a step, and perhaps a place on a chart or a head and a cell; what does not fit is named', () => {
    expect(noteRequest.parse(add('note-root', 'why?'))).toEqual(add('note-root', 'why?'));
    const wrong = noteRequest.safeParse({
      ...add('note-root', 'why?'),
      anchor: { ...anchor, value: Number.NaN, head: { layer: -1 } },
    });
    expect(wrong.error!.issues.map((i) => i.path.join('.'))).toEqual([
      'anchor.value',
      'anchor.head.layer',
      'anchor.head.head',
      'anchor.head.cell',
    ]);
  });
});
