import { describe, expect, it } from 'vitest';
import { clipRule, happeningsOf } from '~/app/_live/runMarks';
import { activity } from '~/app/_run/activity/activity';
import { describeCommand, describeValue, readText, undoOf, whyNot } from '~/app/_run/steering/steering';
import type { ControlSpec } from '~/shared/controls';
import type { Entry, RunEvent } from '~/shared/events';
import type { Actor } from '~/shared/ids';
import { seqCount } from '~/shared/rows';
import { publishedSetup } from '~/test/support/setups';
import { foldAll, withRecent } from '~/test/support/views';

const wholeView = (...log: Parameters<typeof foldAll>) => withRecent(foldAll(...log));

const ann: Actor = { id: 'ann', name: 'Ann', role: 'admin' };
const bob: Actor = { id: 'bob', name: 'Bob', role: 'operator' };
const vic: Actor = { id: 'vic', name: 'Vic', role: 'viewer' };

const spec = (more: Partial<ControlSpec>): ControlSpec => ({
  name: 'clipThreshold',
  label: 'Clip value',
  help: '',
  unit: '',
  type: 'number',
  min: 0,
  max: null,
  exclusiveMin: true,
  exclusiveMax: false,
  options: null,
  nullLabel: null,
  scale: 'linear',
  default: 5,
  takesEffect: 'next step',
  group: 'Clipping',
  ...more,
});
const clip = spec({ role: 'clipThreshold' });
const patience = spec({
  name: 'patience',
  label: 'Early stop after',
  type: 'integer',
  min: 1,
  exclusiveMin: false,
  nullLabel: 'never',
  unit: 'evaluations',
});
const split = spec({
  name: 'split',
  label: 'Set',
  type: 'enum',
  min: null,
  exclusiveMin: false,
  options: ['train', 'test'],
  default: 'test',
});

function viewOf(...events: RunEvent[]) {
  const log: Entry[] = [];
  let seq = 1;
  const add = (event: RunEvent) => {
    log.push({ seq, attempt: 0, at: seq * 10, event });
    seq += seqCount(event);
  };
  add({ type: 'run.created', setup: publishedSetup('reverse'), actor: ann, parent: null });
  add({
    type: 'started',
    step: 0,
    device: { backend: 'wasm', device: 'cpu' },
    streams: [{ stream: 'steps', columns: [{ name: 'loss', role: 'loss' }] }],
    controls: {
      values: [clip, patience],
      actions: [{ name: 'evaluate', label: 'Evaluate', help: '', args: [split], risky: false }],
    },
    values: { clipThreshold: 5, patience: null },
    lengths: { stepsPerEpoch: 10, totalSteps: 100 },
  });
  for (const e of events) add(e);
  return wholeView('run00001', log);
}
const ask = (id: string, actor: Actor, value: number | null, expected: number | null): RunEvent => ({
  type: 'command.requested',
  actor,
  command: { kind: 'set', id, runId: 'run00001', control: 'clipThreshold', value, expected },
});
const apply = (commandId: string, seq: number, step: number, before: number, after: number): RunEvent => ({
  type: 'command.applied',
  commandId,
  seq,
  step,
  before,
  after,
  message: '',
});

describe('what a field says', () => {
  it.each([
    [clip, '1e-2', { ok: true, value: 0.01 }],
    [clip, ' 0 ', { ok: false, message: 'Clip value: "0" does not fit; give a number > 0' }],
    [clip, '', { ok: false, message: 'Clip value: give a number > 0' }],
    [clip, 'lots', { ok: false, message: 'Clip value: "lots" does not fit; give a number > 0' }],
    [clip, 'Infinity', { ok: false, message: 'Clip value: "Infinity" does not fit; give a number > 0' }],
    [clip, '0,05', { ok: false, message: 'Clip value: "0,05" does not fit (decimals have a point: 0.05); give a number > 0' }],
    [patience, '', { ok: true, value: null }],
    [patience, '1.5', { ok: false, message: 'Early stop after: "1.5" does not fit; give an integer >= 1 or nothing (never)' }],
    [split, 'test', { ok: true, value: 'test' }],
    [split, 'dev', { ok: false, message: 'Set: "dev" does not fit; give one of train, test' }],
    [spec({ type: 'boolean' }), 'false', { ok: true, value: false }],
    [spec({ type: 'text' }), '', { ok: true, value: '' }],
  ] as const)('%s', (s, text, expected) => {
    expect(readText(s, text)).toEqual(expected);
  });

  it('values in words are never rounded', () => {
    expect(describeValue(clip, 0.1 + 0.2)).toBe('0.30000000000000004');
    expect(describeValue(patience, null)).toBe('never');
    expect(describeValue(patience, 3)).toBe('3 evaluations');
    expect(describeValue(undefined, false)).toBe('off');
  });
});

describe('who may steer', () => {
  const controlLock = { holder: bob, until: 1_000, askedBy: [] };
  it.each([
    ['an operator of a running run', { status: 'running', controlLock: null }, bob, null],
    ['a viewer', { status: 'running', controlLock: null }, vic, 'Vic (viewer) may watch but not steer'],
    ['anybody, once the run has ended', { status: 'finished', controlLock: null }, ann, 'the run has ended (finished)'],
    ['somebody else while the control lock is held', { status: 'paused', controlLock }, ann, 'Bob holds the control lock'],
    ['the holder of the control lock', { status: 'paused', controlLock }, bob, null],
    ['everybody when the control lock has expired', { status: 'paused', controlLock: { ...controlLock, until: 500 } }, ann, null],
  ] as const)('%s', (_who, view, you, reason) => {
    expect(whyNot({ ...view, controlLock: view.controlLock && { ...view.controlLock, askedBy: [] } }, you, 700)).toBe(reason);
  });
});

describe('activity', () => {
  const evaluate: RunEvent = {
    type: 'command.requested',
    actor: bob,
    command: {
      kind: 'act',
      id: 'evaluate1',
      runId: 'run00001',
      action: 'evaluate',
      args: { split: 'test' },
      when: { kind: 'step', step: 40 },
    },
  };
  const view = viewOf(
    ask('change-01', ann, 1, 5), // 3
    apply('change-01', 3, 12, 5, 1), // 4
    ask('change-02', bob, 2, 5), // 5
    {
      type: 'command.refused',
      commandId: 'change-02',
      seq: 5,
      step: 13,
      reason: 'conflict',
      message: 'changed by Ann at step 12',
    }, // 6
    evaluate, // 7
    { type: 'command.scheduled', commandId: 'evaluate1', seq: 7, step: 13, message: 'at step 40' }, // 8
    { type: 'trainer.lost', message: 'wasm-1 went away' }, // 9
  );

  it('is one list, newest first, that says who, what and what became of it', () => {
    expect(activity(view)).toEqual([
      {
        seq: 9,
        at: 90,
        kind: 'status',
        tone: 'warn',
        step: 0,
        who: null,
        title: 'trainer away',
        detail: 'wasm-1 went away',
        undo: null,
      },
      {
        seq: 7,
        at: 70,
        kind: 'command',
        tone: 'plain',
        // Where the run stood when it was asked for.
        step: 0,
        who: bob,
        title: 'Evaluate (test) at step 40',
        detail: 'scheduled: at step 40',
        undo: null,
      },
      {
        seq: 5,
        at: 50,
        kind: 'command',
        tone: 'bad',
        step: 13,
        who: bob,
        title: 'Clip value → 2',
        detail: 'refused: changed by Ann at step 12',
        undo: null,
      },
      {
        seq: 3,
        at: 30,
        kind: 'command',
        tone: 'good',
        step: 12,
        who: ann,
        title: 'Clip value → 1',
        detail: 'applied: 5 → 1',
        undo: { kind: 'set', control: 'clipThreshold', value: 5, expected: 1 },
      },
      {
        seq: 1,
        at: 10,
        kind: 'team',
        tone: 'plain',
        step: 0,
        who: ann,
        title: 'Ann asked for this run',
        detail: '',
        undo: null,
      },
    ]);
  });

  it('tells in plain words what people and the server did besides: the control lock, approvals, notes, names, the queue, thinned snapshots', () => {
    const anchor = { step: 7, chart: 'loss', value: 0.5, head: null };
    const change = { kind: 'set', id: 'change-01', runId: 'run00001', control: 'clipThreshold', value: 1 } as const;
    const done = viewOf(
      { type: 'control.locked', actor: ann, holder: ann, until: 90_030 }, // 3, at 30
      { type: 'control.requested', actor: bob },
      { type: 'control.refused', actor: ann, asker: bob },
      { type: 'control.locked', actor: ann, holder: bob, until: null },
      { type: 'control.locked', actor: bob, holder: null, until: null },
      { type: 'note', actor: bob, note: { kind: 'add', id: 'note-one', anchor, text: 'why?', replyTo: null } },
      { type: 'note', actor: ann, note: { kind: 'add', id: 'note-gone', anchor, text: 'oops', replyTo: null } },
      { type: 'note', actor: ann, note: { kind: 'delete', id: 'note-gone' } },
      { type: 'note', actor: ann, note: { kind: 'resolve', id: 'note-one', resolved: true } },
      { type: 'command.proposed', actor: ann, command: change },
      { type: 'proposal.answered', actor: bob, commandId: 'change-01', approved: true },
      { type: 'run.labelled', actor: ann, name: 'best', tags: ['keep'], archived: true },
      { type: 'run.queued', actor: bob, position: 3 },
      { type: 'snapshots.thinned', quotaBytes: 1, seqs: [2], message: '1 of 3 snapshots taken away' },
    );
    const reported = activity(done).filter((i) => i.kind !== 'command' && i.kind !== 'status');
    expect(reported.map((i) => [i.kind, i.step, i.who?.name, i.title, i.detail])).toEqual([
      ['record', 0, undefined, 'snapshots thinned', '1 of 3 snapshots taken away'],
      ['team', 0, 'Bob', 'Bob moved it in the queue', ''],
      ['team', 0, 'Ann', 'Ann named it "best", tagged it keep, archived it', ''],
      ['team', 0, 'Bob', 'Bob approved a command', 'Clip value → 1, asked for by Ann'],
      ['note', 7, 'Ann', 'Ann resolved a thread: why?', 'step 7, loss at 0.5'],
      ['note', 7, 'Bob', 'Bob noted: why?', 'step 7, loss at 0.5'],
      ['team', 0, 'Bob', 'Bob released the control lock', ''],
      ['team', 0, 'Ann', 'Ann handed the control lock to Bob', ''],
      ['team', 0, 'Ann', 'Ann declined the request of Bob for the control lock', ''],
      ['team', 0, 'Bob', 'Bob asked for the control lock', ''],
      ['team', 0, 'Ann', 'Ann took the control lock', 'for 1:30'],
      ['team', 0, 'Ann', 'Ann asked for this run', ''],
    ]);
  });

  it('a change is undone only while the value is still what it made of it', () => {
    const later = viewOf(
      ask('change-01', ann, 1, 5),
      apply('change-01', 3, 12, 5, 1),
      ask('change-02', bob, 3, 1),
      apply('change-02', 5, 14, 1, 3),
    );
    expect(later.recent.commands.items.map((c) => undoOf(later, c))).toEqual([
      null,
      { kind: 'set', control: 'clipThreshold', value: 1, expected: 3 },
    ]);
  });

  it('a change after a checkpoint can be asked "what if we had not": from the last one before it took effect', () => {
    const saved = (hash: string): RunEvent => ({
      type: 'checkpoint',
      step: 0,
      blob: { hash, bytes: 1 },
      trigger: 'start',
      commandId: null,
      lastCommandSeq: 0,
    });
    const events = [ask('change-01', ann, 1, 5), apply('change-01', 3, 12, 5, 1), saved('a'.repeat(64)), saved('b'.repeat(64))];
    const late = viewOf(...events, ask('change-02', bob, 3, 1), apply('change-02', 7, 14, 1, 3), saved('c'.repeat(64)));
    expect(activity(late).flatMap((i) => (i.kind === 'command' ? [i.whatIf] : []))).toEqual([
      { checkpoint: 'b'.repeat(64), without: 'change-02' },
      undefined,
    ]);
  });

  it('a change from before the run went back says so, offers no undo and marks no chart; going back does', () => {
    const hash = 'c'.repeat(64);
    const checkpoint = { type: 'checkpoint', step: 0, blob: { hash, bytes: 1 }, trigger: 'start', commandId: null } as const;
    const back = viewOf(
      { ...checkpoint, lastCommandSeq: 0 }, // 3
      ask('change-01', ann, 1, 5), // 4
      apply('change-01', 4, 12, 5, 1), // 5
      {
        type: 'command.requested', // 6
        actor: bob,
        command: { kind: 'act', id: 'revert-01', runId: 'run00001', action: 'revert', args: { step: 0 } },
      },
      { type: 'command.applied', commandId: 'revert-01', seq: 6, step: 12, before: 12, after: 0, message: 'Bob went back' },
      {
        type: 'run.assigned',
        attempt: 1,
        trainer: { id: 't', name: 't', host: 'h' },
        fromStep: 0,
        checkpoint: { hash, bytes: 1 },
      },
    );
    expect(activity(back).map((i) => [i.title, i.detail, i.step, i.undo, i.checkpoint])).toEqual([
      ['starting', 't takes over from step 0', 0, null, undefined],
      ['Back to the checkpoint at step 0', 'Bob went back', 12, null, undefined],
      ['Clip value → 1', 'undone by going back: 5 → 1', 12, null, undefined],
      ['checkpoint saved', 'at the start', 0, null, hash],
      ['Ann asked for this run', '', 0, null, undefined],
    ]);
    expect(happeningsOf(back).marks.flatMap((m) => (m.kind === 'command' ? [[m.step, m.label]] : []))).toEqual([
      [0, 'back from step 12'],
    ]);
    expect(clipRule(back, [], null)!.from).toEqual([{ step: Number.MIN_SAFE_INTEGER, value: 5 }]);
  });

  it('a command on a control that is no longer declared still reads', () => {
    expect(describeCommand({ controls: { values: [], actions: [] } }, view.recent.commands.items[0]!.command)).toBe(
      'clipThreshold → 1',
    );
  });
});
