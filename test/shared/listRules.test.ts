import { describe, expect, it } from 'vitest';
import type { RunEvent } from '~/shared/events';
import { keepSeqOf, noteBefore } from '~/shared/lists';
import type { RunView } from '~/shared/view';
import {
  act,
  ada,
  add,
  alert,
  analysis,
  anchor,
  answer,
  asked,
  at9,
  blob,
  changesOf,
  checkpoint,
  did,
  ended,
  evaluation,
  lock,
  note,
  of,
  outcome,
  put,
  sample,
  set,
  setup,
  shapes,
  snapshot,
  start,
  thinned,
  viewAfter,
} from '~/test/support/listEvents';

describe('the changes to the lists', () => {
  it.each([
    ['an evaluation', start, evaluation, [put('evaluations', evaluation)]],
    ['a snapshot, without its signals and layers', start, { ...snapshot, ...shapes }, [put('snapshots', snapshot as never)]],
    ['a checkpoint', start, checkpoint, [put('checkpoints', checkpoint)]],
    ['an alert', start, alert, [put('alerts', alert)]],
    ['an answer', start, analysis, [put('analyses', analysis)]],
    [
      'a sample',
      start,
      sample('x'.repeat(1000)),
      [of('media', { ...at9, step: 3, name: 'poem', kind: 'text', text: 'x'.repeat(1000) })],
    ],
    [
      'a long sample',
      start,
      sample(`${'x'.repeat(1000)}y`),
      [of('media', { ...at9, step: 3, name: 'poem', kind: 'text', text: 'x'.repeat(1000), letters: 1001 })],
    ],
    [
      'a sample in a blob',
      start,
      { type: 'media', step: 3, name: 'poem', kind: 'text', blob: blob('b') },
      [of('media', { ...at9, step: 3, name: 'poem', kind: 'text', blob: blob('b') })],
    ],
    ['a command', start, { type: 'command.requested', actor: ada, command: set }, [asked({ outcome: { status: 'requested' } })]],
    ['a proposal', start, { type: 'command.proposed', actor: ada, command: set }, [asked({ outcome: { status: 'proposed' } })]],
    [
      'a command after the end',
      ended,
      { type: 'command.requested', actor: ada, command: set },
      [asked({ afterEnd: true, outcome: { status: 'requested' } })],
    ],
    [
      'a way back',
      start,
      { type: 'command.requested', actor: ada, command: act('revert') },
      [asked({ command: act('revert'), takesBack: true, outcome: { status: 'requested' } })],
    ],
    [
      'an approval',
      start,
      { type: 'proposal.answered', actor: ada, commandId: 'command1', approved: true },
      [did({ type: 'proposal.answered', actor: ada, commandId: 'command1', approved: true })],
    ],
    [
      'a refused proposal',
      start,
      { type: 'proposal.answered', actor: ada, commandId: 'command1', approved: false },
      [
        ...outcome({ status: 'refused', ...at9, step: 0, reason: 'forbidden', message: 'Ada declined it' }),
        did({ type: 'proposal.answered', actor: ada, commandId: 'command1', approved: false }),
      ],
    ],
    ['a command that waits', start, { type: 'command.scheduled', ...answer }, outcome({ status: 'scheduled', message: 'm' })],
    [
      'a refusal',
      start,
      { type: 'command.refused', ...answer, reason: 'state' },
      outcome({ status: 'refused', ...at9, step: 3, reason: 'state', message: 'm' }),
    ],
    [
      'an effect',
      start,
      { type: 'command.applied', ...answer, before: 1, after: 2 },
      outcome({ status: 'applied', ...at9, step: 3, before: 1, after: 2, message: 'm' }),
    ],
    [
      'a moved question',
      start,
      { type: 'command.queued', actor: ada, commandId: 'command1', position: 7 },
      [{ op: 'patch', kind: 'commands', id: 'command1', patch: { position: 7 } }],
    ],
    [
      'a note',
      start,
      add('note-1'),
      [
        of('notes', { ...at9, id: 'note-1', anchor, text: 'x', replyTo: null, author: ada, editedAt: null, resolved: false }),
        did(add('note-1')),
      ],
    ],
    [
      'a changed note',
      start,
      note({ kind: 'edit', id: 'note-1', text: 'y' }),
      [
        { op: 'patch', kind: 'notes', id: 'note-1', patch: { text: 'y', editedAt: 5 } },
        did(note({ kind: 'edit', id: 'note-1', text: 'y' })),
      ],
    ],
    [
      'a deleted thread',
      viewAfter(add('note-1'), add('note-2', 'note-1'), add('note-3')),
      note({ kind: 'delete', id: 'note-1' }),
      [{ op: 'drop', kind: 'notes', id: 'note-1', replies: 1 }, did(note({ kind: 'delete', id: 'note-1' }))],
    ],
    [
      'a deleted note that nobody knows',
      start,
      note({ kind: 'delete', id: 'note-1' }),
      [{ op: 'drop', kind: 'notes', id: 'note-1', replies: 0 }, did(note({ kind: 'delete', id: 'note-1' }))],
    ],
    [
      'deleted snapshots',
      start,
      { type: 'snapshots.thinned', ...thinned },
      [{ op: 'drop', kind: 'snapshots', seqs: [4, 5] }, did({ type: 'snapshots.thinned', quotaBytes: 1, message: '' })],
    ],
    [
      'deleted checkpoints',
      start,
      { type: 'checkpoints.thinned', ...thinned },
      [{ op: 'drop', kind: 'checkpoints', seqs: [4, 5] }, did({ type: 'checkpoints.thinned', quotaBytes: 1, message: '' })],
    ],
    ['a rewind', start, { type: 'rewind', step: 3 }, [{ op: 'supersede', seq: 9, fromStep: 3, keepSeq: 0, left: undefined }]],
    ['a request for the lock', start, lock, [did(lock)]],
    [
      'a status',
      start,
      { type: 'status', status: 'running', step: 3, message: 'm' },
      [of('statuses', { ...at9, status: 'running', step: 3, message: 'm' })],
    ],
    [
      'a script that opens its run',
      { ...start, setup: { ...setup, recipe: null } },
      { type: 'run.assigned', attempt: 1, trainer: { id: 't', name: 'box', host: 'h' }, fromStep: 3, checkpoint: null },
      [
        of('statuses', { ...at9, status: 'starting', step: 3, message: 'box opened it at step 3' }),
        { op: 'supersede', seq: 9, fromStep: 3, keepSeq: 0, left: undefined },
      ],
    ],
    [
      'a trainer that goes away',
      start,
      { type: 'trainer.lost', message: 'gone' },
      [of('statuses', { ...at9, status: 'waiting', step: 0, message: 'gone' })],
    ],
    ['a trainer that is away already', { ...start, status: 'waiting' }, { type: 'trainer.lost', message: 'gone' }, []],
    [
      'a trainer that is back',
      { ...start, status: 'waiting', statusBeforeLoss: 'paused' },
      { type: 'trainer.back' },
      [of('statuses', { ...at9, status: 'paused', step: 0, message: 'trainer is back' })],
    ],
    ['output', start, { type: 'console', stream: 'out', text: 'x' }, []],
    ['rows', start, { type: 'rows', stream: 's', steps: { first: 0, count: 1 }, values: Float64Array.of(1) }, []],
  ] as [string, RunView, RunEvent, object[]][])('of %s', (_, view, event, expected) => {
    expect(changesOf(view, event)).toStrictEqual(expected);
  });

  it('of a takeover from a checkpoint keep what is up to its entry, and take commands back where people asked for it', () => {
    const taken = (more: object): RunEvent => ({
      type: 'run.assigned',
      attempt: 2,
      trainer: { id: 't', name: 'box', host: 'h' },
      fromStep: 3,
      checkpoint: blob('c'),
      ...more,
    });
    const back = { seq: 6, step: 3, blob: blob('c'), lastCommandSeq: 0 };
    const pending = { ...start, pendingRevert: { commandId: 'x', checkpoint: back } };
    expect(changesOf(pending, taken({ keepSeq: 4 })).slice(1)).toEqual([
      { op: 'supersede', seq: 9, fromStep: 3, keepSeq: 4, left: undefined },
      { op: 'revert', seq: 9, checkpoint: back },
    ]);
    // Logs of version 0.1 do not name the entry: it is that of the checkpoint with this hash and step, wherever the view has it.
    const keep = (view: RunView, more: object = {}) => keepSeqOf(view, taken(more) as never);
    expect([
      keep(pending),
      keep(pending, { checkpoint: null }),
      keep(pending, { checkpoint: blob('x') }),
      keep(pending, { fromStep: 4 }),
    ]).toEqual([6, 0, 0, 0]);
    expect([keep({ ...start, lastCheckpoint: back }), keep(viewAfter(checkpoint, { ...checkpoint, step: 4 }))]).toEqual([6, 2]);
  });

  it('know what a note was: as the server says, else as far as the view holds it', () => {
    const view = viewAfter(add('note-1'), add('note-2', 'note-1'), note({ kind: 'resolve', id: 'note-1', resolved: true }));
    const known = (id: string, was?: object) => noteBefore(view, note({ kind: 'delete', id }, was));
    expect([
      known('note-1'),
      known('note-2'),
      known('note-9'),
      known('note-1', { thread: true, resolved: false, replies: 7 }),
    ]).toEqual([
      { thread: true, resolved: true, replies: 1 },
      { thread: false, resolved: false, replies: 0 },
      null,
      { thread: true, resolved: false, replies: 7 },
    ]);
  });
});
