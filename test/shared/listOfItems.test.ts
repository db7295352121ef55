import { describe, expect, it } from 'vitest';
import type { RunEvent } from '~/shared/events';
import { keysOf } from '~/shared/listKeys';
import { applyToList, type ListChange, staysInForce } from '~/shared/lists';
import type { CommandRecord, ListItems } from '~/shared/view';
import {
  act,
  ada,
  add,
  alert,
  analysis,
  anchor,
  at9,
  blob,
  checkpoint,
  evaluation,
  lock,
  note,
  set,
  snapshot,
  viewAfter,
} from '~/test/support/listEvents';

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
