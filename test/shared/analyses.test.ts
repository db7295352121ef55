import { expect, it } from 'vitest';
import { ablationName, workedOn } from '~/shared/analyses';
import type { Command } from '~/shared/commands';
import type { CommandRecord, RunView } from '~/shared/view';
import { declaration } from '~/trainer/run/commands';

type View = Parameters<typeof workedOn>[0];
type Lists = { analyses: string[]; evaluations: string[]; alerts: string[] };

const applied = (id: string, action: string, more: Partial<CommandRecord> = {}, args: object = {}): CommandRecord => ({
  seq: 1,
  at: 0,
  actor: { id: 'a', name: 'Ada', role: 'admin' },
  command: { kind: 'act', id, runId: 'run00001', action, args } as Command,
  outcome: { status: 'applied', seq: 2, at: 1, step: 7, before: null, after: null, message: '' },
  ...more,
});
const asked = [applied('q1', 'ablateHeads'), applied('e1', 'evaluate'), applied('s1', 'snapshot')];

function worked(commands: CommandRecord[], view: Partial<View> = {}, lists: Partial<Lists> = {}): string[] {
  const recent = {
    commands: { items: commands },
    analyses: { items: lists.analyses?.map((commandId) => ({ commandId })) ?? [] },
    evaluations: { items: lists.evaluations?.map((commandId) => ({ commandId })) ?? [] },
    alerts: { items: lists.alerts?.map((message) => ({ message })) ?? [] },
  } as unknown as RunView['recent'];
  return workedOn({ controls: declaration([]), step: 7, status: 'running', recent, ...view }).map((c) => c.command.id);
}

it('a run stands still for questions and evaluations that were taken up at its step and have no answer', () => {
  expect(worked(asked)).toEqual(['q1', 'e1']);
  expect(worked(asked, { status: 'paused' })).toEqual(['q1', 'e1']);
  expect(worked(asked, {}, { analyses: ['q1'] })).toEqual(['e1']);
  expect(worked(asked, {}, { evaluations: ['e1'] })).toEqual(['q1']);
  expect(worked(asked, { step: 8 })).toEqual([]);
  expect(worked([applied('q1', 'ablateHeads', { undone: true })])).toEqual([]);
  expect(worked([applied('q1', 'ablateHeads', { outcome: { status: 'requested' } })])).toEqual([]);
});

it('not for what failed or was canceled', () => {
  expect(worked(asked, {}, { alerts: ['q1: out of memory', 'of e1: '] })).toEqual(['e1']);
  expect(worked(asked, {}, { alerts: ['the loss is NaN', 'q1: out of memory', 'e1: no such split'] })).toEqual([]);
  expect(worked([...asked, applied('c1', 'cancel', {}, { commandId: 'q1' })])).toEqual(['e1']);
  expect(worked([...asked, applied('s2', 'snapshot', {}, { commandId: 'q1' })])).toEqual(['q1', 'e1']);
});

it('not for a question about a checkpoint, not after its end, and not where nothing can be canceled', () => {
  expect(worked([applied('q1', 'ablateHeads', { afterEnd: true })])).toEqual([]);
  expect(worked(asked, { status: 'finished' })).toEqual([]);
  const { values, actions } = declaration([]);
  expect(worked(asked, { controls: { values, actions: actions.filter((a) => a.role !== 'cancel') } })).toEqual([]);
  const held = applied('q1', 'ablateHeads');
  held.command = { ...held.command, checkpoint: 'a'.repeat(64) } as Command;
  expect(worked([held])).toEqual([]);
});

it('a head that was switched off has a number of its own, named by how, layer and head', () => {
  expect([ablationName('zero', 0, 3), ablationName('mean', 11, 0)]).toEqual(['zero.0.3', 'mean.11.0']);
});
