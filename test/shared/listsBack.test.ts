import { describe, expect, it } from 'vitest';
import type { Actor } from '~/shared/ids';
import { applyToList, type ListChange } from '~/shared/lists';
import { changedSince, EvaluationsInForce, LastChange, resumedInView, waitingAgain } from '~/shared/resumed';
import { isHeldBy, revertRecord } from '~/shared/revert';
import type { CommandRecord } from '~/shared/view';
import { act, ada, blob, checkpoint, evaluation, set, start } from '~/test/support/listEvents';

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
