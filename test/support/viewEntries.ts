/** Entries of a small run, and what each changes in its view. */
import { expect, it } from 'vitest';
import type { Entry, RunEvent } from '~/shared/events';
import { emptyView, fold } from '~/shared/fold';
import type { Actor } from '~/shared/ids';
import type { RunView } from '~/shared/view';
import { publishedSetup } from './setups';

export const ada: Actor = { id: 'u1', name: 'Ada', role: 'operator' };
export const bob: Actor = { id: 'u2', name: 'Bob', role: 'operator' };
export const setup = publishedSetup('reverse', {}, { name: 'first', tags: ['a'] });
export const created: RunEvent = { type: 'run.created', setup, actor: ada, parent: null };
export const blob = (letter: string) => ({ hash: letter.repeat(64), bytes: 10 });
export const trainer = { id: 't1', name: 'gpu', host: 'h' };
export const assigned = (attempt: number, fromStep = 0, more: object = {}): RunEvent => ({
  ...{ type: 'run.assigned', attempt, trainer, fromStep, checkpoint: null },
  ...more,
});
export const action = (name: string, role: 'revert' | 'cancel') => ({
  name,
  label: name,
  help: '',
  args: [],
  risky: false,
  role,
});
export const started = (more: object = {}): RunEvent => ({
  ...{ type: 'started', step: 0, device: { device: 'CPU' }, values: { rate: 5 } },
  ...{ controls: { values: [], actions: [action('go back', 'revert'), action('call off', 'cancel')] } },
  streams: [
    { stream: 'train', columns: [{ name: 'loss', role: 'loss', main: true }] },
    { stream: 'dev', columns: [{ name: 'dev/loss' }] },
  ],
  ...more,
});
export const rows = (first: number, ...values: number[]): RunEvent => ({
  ...{ type: 'rows', stream: 'train', steps: { first, count: values.length } },
  values: Float64Array.from(values),
});
export const status = (
  to: 'running' | 'paused' | 'finished' | 'stopped' | 'failed' | 'crashed',
  more: object = {},
): RunEvent => ({
  ...{ type: 'status', status: to, step: 0, message: `now ${to}` },
  ...more,
});
export const evaluated = (step: number, split: string, value: number, main = true): RunEvent => ({
  ...{ type: 'evaluation', step, split, trigger: 'cadence', commandId: null },
  metrics: [{ name: 'score', value, main }],
});
export const saved = (step: number, letter: string): RunEvent => ({
  ...{ type: 'checkpoint', step, blob: blob(letter), trigger: 'cadence', commandId: null, lastCommandSeq: 2 },
});
export const set = (id: string, actor: Actor, value: number, more: object = {}): RunEvent => ({
  type: 'command.requested',
  actor,
  command: { ...{ kind: 'set', id, runId: 'run001', control: 'rate', value }, ...more },
});
export const applied = (commandId: string, step: number, after: number, more: object = {}): RunEvent => ({
  ...{ type: 'command.applied', commandId, seq: 1, step, before: null, after, message: '' },
  ...more,
});
export const lost = (more: object = {}): RunEvent => ({ type: 'trainer.lost', message: 'gone', ...more });
export const note = (kind: object, was?: object): RunEvent =>
  ({ type: 'note', actor: ada, note: kind, ...(was && { was }) }) as RunEvent;
export const add = (id: string, replyTo: string | null = null) =>
  note({ kind: 'add', id, anchor: { step: 0, chart: null, head: null }, text: 'x', replyTo });

/** The creation has seq 1; every later event takes the next one, rows one each. */
export function viewAfter(...events: RunEvent[]): RunView {
  let view = emptyView('run001', { seq: 1, attempt: 0, at: 1000, event: created });
  for (const event of events) view = fold(view, { seq: view.seq + 1, attempt: 1, at: 1000 + view.seq, event } satisfies Entry);
  return view;
}
/** Fields in which a view differs from the one before, apart from those that every entry changes, and from lists. */
export function changes(before: RunEvent[], event: RunEvent): Partial<RunView> {
  const was = viewAfter(...before);
  const kept = structuredClone(was);
  const is = fold(was, { seq: was.seq + 1, attempt: 1, at: 1000 + was.seq, event });
  expect(was, 'the view before').toEqual(kept);
  const same = (key: string, value: unknown) => {
    try {
      expect(value).toEqual(was[key as keyof RunView]);
      return true;
    } catch {
      return false;
    }
  };
  const apart = ['seq', 'updatedAt', 'recent', 'counts', 'streams'];
  return Object.fromEntries(Object.entries(is).filter(([key, value]) => !apart.includes(key) && !same(key, value)));
}

export const running = [assigned(1), started(), status('running')];
export const at = (step: number, letter: string, seq: number) => ({ seq, step, blob: blob(letter), lastCommandSeq: 2 });
export const way = { type: 'command.requested', actor: bob } as const;
export const goBack = (args: object): RunEvent[] => [
  { ...way, command: { kind: 'act', id: 'way-back', runId: 'run001', action: 'go back', args: args as never } },
  applied('way-back', 2, 1),
];

export const takenOver = (fromStep: number, count: number) => ({
  ...{ status: 'starting', statusMessage: `gpu takes over from step ${fromStep}`, takeovers: { fromStep, count } },
});
export const best = { ...evaluated(0, 'dev', 1), seq: 3, at: 1 };

/** Each row: its name, the entries before, one entry, and the fields of the view that it changes. */
export function itChanges(
  rows: [name: string, before: RunEvent[], event: RunEvent, expected: { [field in keyof RunView]?: unknown }][],
): void {
  it.each(rows)('%s', (_, before, event, expected) => {
    expect(changes(before, event)).toStrictEqual(expected);
  });
}
