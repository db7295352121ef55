import { describe, expect, it } from 'vitest';
import type { Evaluation, RunEvent } from '~/shared/events';
import { emptyView, fold } from '~/shared/fold';
import type { Actor } from '~/shared/ids';
import { applyToList, keepSeqOf, keysOf, type ListChange, listChanges, noteBefore, staysInForce } from '~/shared/lists';
import { changedSince, EvaluationsInForce, LastChange, resumedInView, waitingAgain } from '~/shared/resumed';
import { isHeldBy, revertRecord } from '~/shared/revert';
import type { CommandRecord, ListItems, RunView } from '~/shared/view';
import { publishedSetup } from '../support/setups';

const ada: Actor = { id: 'u1', name: 'Ada', role: 'operator' };
const blob = (letter: string) => ({ hash: letter.repeat(64), bytes: 10 });
const setup = publishedSetup('reverse');

function viewAfter(...events: RunEvent[]): RunView {
  let view = emptyView('run001', {
    seq: 1,
    attempt: 0,
    at: 1000,
    event: { type: 'run.created', setup, actor: ada, parent: null },
  });
  for (const event of events) view = fold(view, { seq: view.seq + 1, attempt: 1, at: 1000 + view.seq, event });
  return view;
}
/** The changes of an entry at seq 9, and the view after it, which every event of a run must give. */
function changesOf(view: RunView, event: RunEvent): ListChange[] {
  const changes = listChanges({ ...view, seq: 8 }, { seq: 9, attempt: 1, at: 5, event });
  fold({ ...view, seq: 8 }, { seq: 9, attempt: 1, at: 5, event });
  return changes;
}
const start = viewAfter();
const at9 = { seq: 9, at: 5 };
const set = { kind: 'set', id: 'command1', runId: 'run001', control: 'rate', value: 7 } as const;
const act = (action: string) => ({ kind: 'act', id: 'command1', runId: 'run001', action, args: {} }) as const;
const note = (kind: object, was?: object) =>
  ({ type: 'note', actor: ada, note: kind, ...(was && { was }) }) as Extract<RunEvent, { type: 'note' }>;
const anchor = { step: 3, chart: null, head: null };
const add = (id: string, replyTo: string | null = null) => note({ kind: 'add', id, anchor, text: 'x', replyTo });
const checkpoint = {
  type: 'checkpoint',
  step: 3,
  blob: blob('c'),
  trigger: 'cadence',
  commandId: null,
  lastCommandSeq: 0,
} as const;
const evaluation: Evaluation = {
  type: 'evaluation',
  step: 3,
  split: 'dev',
  metrics: [{ name: 'm', value: 1 }],
  trigger: 'cadence',
  commandId: null,
};
const alert = { type: 'alert', step: 3, level: 'info', kind: 'disk', message: 'm' } as const;
const analysis = { type: 'analysis', step: 3, kind: 'check', commandId: null, summary: {}, message: '', blob: null } as const;
const snapshot = { type: 'snapshot', step: 3, blob: blob('s'), trigger: 'alert', commandId: null, examples: 1 } as const;
const shapes = { layers: [{ name: 'l', heads: 1, queries: 1, keys: 1 }], signals: [] };
const sample = (text: string) => ({ type: 'media', step: 3, name: 'poem', kind: 'text', text }) as const;
const of = <K extends keyof ListItems>(kind: K, item: object) => ({ op: 'put', kind, item });
const put = (kind: keyof ListItems, event: RunEvent) => of(kind, { ...event, ...at9 });
const outcome = (value: object) => [{ op: 'patch', kind: 'commands', id: 'command1', patch: { outcome: value } }];
const asked = (more: object) => of('commands', { ...at9, actor: ada, command: set, askedAtStep: 0, ...more });
const thinned = { quotaBytes: 1, seqs: [4, 5], message: '' };
const did = (event: object) => of('activity', { ...at9, step: 0, event });
const answer = { commandId: 'command1', seq: 4, step: 3, message: 'm' };
const ended = { ...start, status: 'finished' as const };
const lock = { type: 'control.requested', actor: ada } as const;

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

describe('a list', () => {
  const alerts = (...seqs: number[]) => seqs.map((seq) => ({ ...alert, seq, at: 0 }));
  const command = (seq: number, id: string, more: object = {}) =>
    ({ seq, at: 0, actor: ada, command: { ...set, id }, outcome: { status: 'requested' }, ...more }) as CommandRecord;
  const written = (seq: number, id: string, replyTo: string | null = null) => ({
    seq,
    id,
    anchor,
    text: 'x',
    replyTo,
    author: ada,
    at: 0,
    editedAt: null,
    resolved: false,
  });
  const seqs = (items: readonly { seq: number }[]) => items.map((i) => i.seq);

  it('takes an item where its seq belongs, in place of the one with that seq', () => {
    const into = (list: number[], seq: number) =>
      seqs(applyToList('alerts', alerts(...list), { op: 'put', kind: 'alerts', item: alerts(seq)[0]! }));
    expect([into([], 4), into([2, 4], 6), into([2, 6], 4), into([2, 4, 6], 4), into([4], 2), into([2, 4], 4)]).toEqual([
      [4],
      [2, 4, 6],
      [2, 4, 6],
      [2, 4, 6],
      [2, 4],
      [2, 4],
    ]);
    const newer = { ...alerts(4)[0]!, message: 'newer' };
    expect(applyToList('alerts', alerts(2, 4, 6), { op: 'put', kind: 'alerts', item: newer })[1]).toBe(newer);
    const list = alerts(2);
    expect(applyToList('alerts', list, { op: 'put', kind: 'checkpoints', item: { ...checkpoint, seq: 4, at: 0 } })).toBe(list);
  });

  it('moves a command that was approved to its new seq', () => {
    const list = [command(2, 'a'), command(3, 'b')];
    expect(
      applyToList('commands', list, { op: 'put', kind: 'commands', item: command(9, 'a') }).map((c) => [c.seq, c.command.id]),
    ).toEqual([
      [3, 'b'],
      [9, 'a'],
    ]);
  });

  it('changes and removes the items that are meant, and stays the same array where none is', () => {
    const list = [command(2, 'a'), command(3, 'b')];
    expect(applyToList('commands', list, { op: 'patch', kind: 'commands', id: 'b', patch: { position: 7 } })).toEqual([
      list[0],
      { ...list[1], position: 7 },
    ]);
    for (const change of [
      { op: 'patch', kind: 'commands', id: 'x', patch: {} },
      { op: 'patch', kind: 'notes', id: 'a', patch: {} },
      { op: 'drop', kind: 'notes', id: 'a', replies: 0 },
      { op: 'revert', seq: 9, checkpoint: { seq: 1, step: 0, blob: blob('c'), lastCommandSeq: 0 } },
    ] as ListChange[])
      expect(applyToList('commands', list, change), change.op).toBe(list);
    const notes = [written(2, 'a'), written(3, 'b'), written(4, 'c', 'a'), written(5, 'd', 'b')];
    expect(applyToList('notes', notes, { op: 'drop', kind: 'notes', id: 'a', replies: 1 }).map((n) => n.id)).toEqual(['b', 'd']);
    expect(applyToList('notes', notes, { op: 'drop', kind: 'notes', id: 'x', replies: 0 })).toBe(notes);
    const saved = [2, 3, 4].map((seq) => ({ ...checkpoint, seq, at: 0 }));
    expect(seqs(applyToList('checkpoints', saved, { op: 'drop', kind: 'checkpoints', seqs: [2, 4] }))).toEqual([3]);
    expect(applyToList('checkpoints', saved, { op: 'drop', kind: 'snapshots', seqs: [2, 4] })).toBe(saved);
  });

  it('keeps, when the run goes back, what is of earlier steps, of that step up to the checkpoint, or later than the entry', () => {
    const stays = (item: object, kind: keyof ListItems = 'checkpoints') =>
      staysInForce(kind, { seq: 5, step: 3, ...item }, { seq: 9, fromStep: 3, keepSeq: 5 });
    expect([
      stays({}),
      stays({ seq: 6 }),
      stays({ step: 2, seq: 8 }),
      stays({ step: 4 }),
      stays({ step: 4, seq: 10 }),
      stays({ step: 4, seq: 9 }),
    ]).toEqual([true, false, true, false, true, false]);
    // An answer about a checkpoint is as old as the checkpoint.
    expect([
      stays({ seq: 8, checkpointSeq: 5 }, 'analyses'),
      stays({ seq: 8, checkpointSeq: 6 }, 'analyses'),
      stays({ seq: 8 }, 'analyses'),
      stays({ seq: 8, checkpointSeq: 5 }),
    ]).toEqual([true, false, false, false]);
    const saved = [2, 3, 4].map((seq) => ({ ...checkpoint, seq, at: 0, step: seq }));
    const back = { op: 'supersede', seq: 9, fromStep: 3, keepSeq: 3 } as const;
    expect(seqs(applyToList('checkpoints', saved, back))).toEqual([2, 3]);
    const all = alerts(2, 4);
    expect(applyToList('alerts', all, back)).toBe(all);
  });

  it('holds in the view its newest items, by number and by letters, at least one, and counts them all', () => {
    const many = viewAfter(...Array.from({ length: 20 }, () => alert));
    expect([seqs(many.recent.alerts.items), many.recent.alerts.fromSeq, many.counts.alerts]).toEqual([
      Array.from({ length: 16 }, (_, i) => 6 + i),
      6,
      { count: 20, lastSeq: 21 },
    ]);
    // 2,000 characters of alerts: about two of 900, or one of more.
    const long = (letters: number) => ({ ...alert, message: 'x'.repeat(letters) });
    expect(seqs(viewAfter(long(900), long(900), long(900)).recent.alerts.items)).toEqual([3, 4]);
    expect(seqs(viewAfter(alert, long(1999), alert).recent.alerts.items)).toEqual([4]);
    expect(seqs(viewAfter(alert, alert, long(1999)).recent.alerts.items)).toEqual([4]);
    const exact = 1000 - JSON.stringify({ ...long(0), seq: 2, at: 1001 }).length;
    expect(seqs(viewAfter(long(exact), long(exact)).recent.alerts.items)).toEqual([2, 3]);
    expect(seqs(viewAfter(long(exact), long(exact + 1)).recent.alerts.items)).toEqual([3]);
    const saved = Array.from({ length: 20 }, (_, step) => ({ ...checkpoint, step }));
    const counts = (...events: RunEvent[]) => viewAfter(...events).counts.checkpoints;
    expect(counts(...saved, { type: 'checkpoints.thinned', quotaBytes: 1, seqs: [2, 20], message: '' })).toEqual({
      count: 18,
      lastSeq: 21,
    });
    expect(counts(...saved, { type: 'rewind', step: 18 })).toEqual({ count: 18, lastSeq: 21 });
    expect(counts(...saved, { type: 'checkpoints.thinned', quotaBytes: 1, seqs: [2], message: '' })).toEqual({
      count: 19,
      lastSeq: 21,
    });
    const labels = Array.from({ length: 40 }, (): RunEvent => ({ type: 'run.labelled', actor: ada, archived: true }));
    const thin: RunEvent = { type: 'checkpoints.thinned', quotaBytes: 1, seqs: [2, 3], message: '' };
    expect(viewAfter(...labels, thin).counts.activity).toEqual({ count: 41, lastSeq: 42 });
    const left = { evaluations: [], best: null, values: [], waiting: [], counts: { checkpoints: 3 } };
    expect(counts(...saved, { type: 'rewind', step: 3, resumed: left })).toEqual({ count: 3, lastSeq: 21 });
    const thread = [add('note-1'), add('note-2', 'note-1'), add('note-3')];
    expect(viewAfter(...thread, note({ kind: 'delete', id: 'note-1' })).counts.notes).toEqual({ count: 1, lastSeq: 4 });
    const notes = Array.from({ length: 40 }, (_, i) => add(`note-${i}`));
    expect(
      viewAfter(...notes, note({ kind: 'delete', id: 'note-39' }, { thread: true, resolved: false, replies: 0 })).counts.notes
        .count,
    ).toBe(39);
    const approved: RunEvent[] = [
      ...Array.from(
        { length: 40 },
        (_, i): RunEvent => ({ type: 'command.requested', actor: ada, command: { ...set, id: `asked-${i}` } }),
      ),
      { type: 'command.proposed', actor: ada, command: set },
      { type: 'command.requested', actor: ada, command: set },
    ];
    expect(viewAfter(...approved).counts.commands).toEqual({ count: 41, lastSeq: 43 });
  });

  it('is searched by the keys of its items', () => {
    const applied = (more: object, outcome: object = {}) =>
      command(4, 'a', {
        askedAtStep: 2,
        outcome: { status: 'applied', seq: 6, at: 0, step: 5, before: 1, after: 9, message: '', ...outcome },
        ...more,
      });
    const refused = (step: number | null) =>
      command(4, 'a', { askedAtStep: 2, outcome: { status: 'refused', seq: 6, at: 0, step, reason: 'state', message: '' } });
    const of = (record: CommandRecord) => keysOf('commands', record);
    const keys = (step: number | null, tag: string, ref = 'rate') => ({ id: 'a', step, ref, tag });
    expect([
      of(applied({})),
      of(applied({ undone: true })),
      of(applied({ takesBack: true, command: { ...act('revert'), id: 'a' } })),
      of(applied({ takesBack: true }, { after: 'x' })),
    ]).toEqual([keys(5, 'applied'), keys(5, 'undone'), keys(9, 'applied', 'revert'), keys(5, 'applied')]);
    expect([of(refused(7)), of(refused(null)), of(command(4, 'a', { askedAtStep: 2 })), of(command(4, 'a'))]).toEqual([
      keys(7, 'refused'),
      keys(2, 'refused'),
      keys(2, 'requested'),
      keys(null, 'requested'),
    ]);
    const { hash } = blob('c');
    expect([
      keysOf('evaluations', { ...evaluation, ...at9 }),
      keysOf('snapshots', { ...snapshot, ...at9 }),
      keysOf('checkpoints', { ...checkpoint, ...at9 }),
      keysOf('alerts', { ...alert, ...at9 }),
      keysOf('statuses', { status: 'running', step: 3, message: '', ...at9 }),
      keysOf('analyses', { ...analysis, ...at9 }),
      keysOf('analyses', { ...analysis, checkpoint: hash, ...at9 }),
      keysOf('activity', { ...at9, step: 3, event: lock }),
      keysOf('media', { step: 3, name: 'poem', kind: 'text', text: 'x', ...at9 }),
      keysOf('notes', written(4, 'n', 'thread')),
      keysOf('notes', { ...written(4, 'n'), resolved: true }),
    ]).toEqual([
      { id: null, step: 3, ref: null, tag: 'dev' },
      { id: null, step: 3, ref: blob('s').hash, tag: 'alert' },
      { id: null, step: 3, ref: hash, tag: 'cadence' },
      { id: null, step: 3, ref: 'disk', tag: 'info' },
      { id: null, step: 3, ref: null, tag: 'running' },
      { id: null, step: 3, ref: null, tag: 'check' },
      { id: null, step: 3, ref: hash, tag: 'check' },
      { id: null, step: 3, ref: null, tag: 'control.requested' },
      { id: null, step: 3, ref: 'poem', tag: 'text' },
      { id: 'n', step: 3, ref: 'thread', tag: 'open' },
      { id: 'n', step: 3, ref: null, tag: 'resolved' },
    ]);
  });
});

describe('a command, when the run goes back to a checkpoint', () => {
  const back = { seq: 5, step: 3, blob: blob('c'), lastCommandSeq: 4 };
  const record = (outcome: object, more: object = {}, seq = 4) =>
    ({ seq, at: 0, actor: ada, command: set, outcome, ...more }) as CommandRecord;
  const applied = (seq: number, step = 3) => ({ status: 'applied', seq, at: 0, step, before: 1, after: 7, message: '' });
  const refused = (seq: number, reason = 'state') => ({ status: 'refused', seq, at: 0, step: 3, reason, message: '' });
  const later = { command: { ...set, when: { kind: 'step', step: 50 } } };
  const again = { status: 'scheduled', message: 'waits again from step 3 on' };

  it.each([
    ['that had taken effect before', record(applied(5)), {}],
    ['that took effect later', record(applied(6)), { undone: true }],
    ['that took effect with the last entry before it', record(applied(9)), { undone: true }],
    ['that took effect after the way back', record(applied(10)), {}],
    ['that was refused later', record(refused(6)), {}],
    ['that was undone already', record(applied(6), { undone: true }), {}],
    ['that took the run back itself', record(applied(6), { takesBack: true }), {}],
    ['that the checkpoint holds, and that took effect later', record(applied(6), later), { outcome: again }],
    ['that the checkpoint holds, and that was refused later', record(refused(6), later), { outcome: again }],
    ['that a person declined', record(refused(6, 'forbidden'), later), {}],
    [
      'that took effect though its sender may no longer steer',
      record({ ...applied(6), reason: 'forbidden' }, later),
      { outcome: again },
    ],
    ['that is newer than the checkpoint', record(applied(6), later, 5), { undone: true }],
    ['that waits', record({ status: 'requested' }), {}],
  ] as [string, CommandRecord, object][])('%s', (_, before, change) => {
    expect(revertRecord(before, { seq: 9, checkpoint: back })).toStrictEqual({ ...before, ...change });
    const { outcome: _gone, ...asked } = before;
    expect(waitingAgain(before, back)).toEqual('outcome' in change ? asked : null);
  });

  it('is changed in its list, and lists of other kinds stay', () => {
    const list = [record(applied(3)), record(applied(6)), record({ status: 'requested' })];
    const change: ListChange = { op: 'revert', seq: 9, checkpoint: back };
    expect(applyToList('commands', list, change)).toEqual([list[0], { ...list[1], undone: true }, list[2]]);
    const saved = [{ ...checkpoint, seq: 2, at: 0 }];
    expect(applyToList('checkpoints', saved, change)).toBe(saved);
  });

  it('is held by it only with a condition, and only from before it', () => {
    expect([record(applied(6), later), record(applied(6)), record(applied(6), later, 5)].map((r) => isHeldBy(r, back))).toEqual([
      true,
      false,
      false,
    ]);
    expect(waitingAgain(record(applied(5), later), back)).toBeNull();
  });

  it('is the last change of its control only where it stays in force', () => {
    const last = (...records: CommandRecord[]) => {
      const change = new LastChange('rate', { seq: 9, fromStep: 3, keepSeq: 5 });
      for (const r of records) change.add(r);
      return change.state?.changedAtStep ?? null;
    };
    expect(last()).toBeNull();
    expect([applied(4, 2), applied(5, 3), applied(6, 3), applied(4, 4), applied(8, 2)].map((o) => last(record(o)))).toEqual([
      2,
      3,
      null,
      null,
      2,
    ]);
    expect([last(record(applied(3, 1)), record(applied(4, 2))), last(record(applied(4, 2)), record(applied(3, 1)))]).toEqual([
      2, 2,
    ]);
    expect(
      [
        record(applied(4, 2), { undone: true }),
        record(refused(4)),
        record(applied(4, 2), { command: { ...set, control: 'other' } }),
        record(applied(4, 2), { command: { ...act('rate'), control: 'rate' } }),
      ].map((r) => last(r)),
    ).toEqual([null, null, null, null]);
    const change = new LastChange('rate', { seq: 9, fromStep: 3, keepSeq: 5 });
    change.add(record(applied(4, 2)));
    expect(change.state).toEqual({ value: 7, changedBy: ada, changedAtStep: 2 });
  });
});

describe('what is in force when a run goes back', () => {
  const at = { seq: 9, fromStep: 3, keepSeq: 5 };
  const score = (seq: number, step: number, split: string, value = 1) => ({
    ...{ ...evaluation, seq, at: 0, step, split },
    metrics: [{ name: 'm', value, main: true }],
  });

  it('names the controls that people changed since', () => {
    const state = (changedAtStep: number, changedBy: Actor | null = ada) => ({ value: 1, changedBy, changedAtStep });
    expect(changedSince({ values: { a: state(3), b: state(2), c: state(9, null), d: state(9) } }, at)).toEqual(['a', 'd']);
  });

  it('are the newest evaluations and the best, page by page: the earlier of equals', () => {
    const [one, two, three] = [score(2, 1, 'dev'), score(3, 2, 'test'), score(5, 3, 'dev')] as const;
    const found = new EvaluationsInForce(at);
    expect([found.evaluations, found.best]).toEqual([[], null]);
    found.add([one, two]);
    found.add([three, score(6, 3, 'dev', 0)]);
    expect([found.evaluations, found.best]).toEqual([[two, three], one]);
  });

  it('are found in the part of the lists that the view holds, in the order of the log', () => {
    const [one, two, three] = [score(2, 1, 'dev'), score(3, 2, 'test'), score(4, 2, 'dev')] as const;
    const recent = { ...start.recent, evaluations: { items: [three], fromSeq: 4 } };
    const view = { ...start, latestEvaluations: [two, three], recent, best: one };
    expect(resumedInView(view, at)).toEqual({ evaluations: [two, three], best: one, values: [], waiting: [] });
    expect(resumedInView(start, at)).toEqual({ evaluations: [], best: null, values: [], waiting: [] });
  });
});
