import type { Evaluation, RunEvent } from '~/shared/events';
import { emptyView, fold } from '~/shared/fold';
import type { Actor } from '~/shared/ids';
import { type ListChange, listChanges } from '~/shared/lists';
import type { ListItems, RunView } from '~/shared/view';
import { publishedSetup } from '~/test/support/setups';

export const ada: Actor = { id: 'u1', name: 'Ada', role: 'operator' };
export const blob = (letter: string) => ({ hash: letter.repeat(64), bytes: 10 });
export const setup = publishedSetup('reverse');

export function viewAfter(...events: RunEvent[]): RunView {
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
export function changesOf(view: RunView, event: RunEvent): ListChange[] {
  const changes = listChanges({ ...view, seq: 8 }, { seq: 9, attempt: 1, at: 5, event });
  fold({ ...view, seq: 8 }, { seq: 9, attempt: 1, at: 5, event });
  return changes;
}
export const start = viewAfter();
export const at9 = { seq: 9, at: 5 };
export const set = { kind: 'set', id: 'command1', runId: 'run001', control: 'rate', value: 7 } as const;
export const act = (action: string) => ({ kind: 'act', id: 'command1', runId: 'run001', action, args: {} }) as const;
export const note = (kind: object, was?: object) =>
  ({ type: 'note', actor: ada, note: kind, ...(was && { was }) }) as Extract<RunEvent, { type: 'note' }>;
export const anchor = { step: 3, chart: null, head: null };
export const add = (id: string, replyTo: string | null = null) => note({ kind: 'add', id, anchor, text: 'x', replyTo });
export const checkpoint = {
  type: 'checkpoint',
  step: 3,
  blob: blob('c'),
  trigger: 'cadence',
  commandId: null,
  lastCommandSeq: 0,
} as const;
export const evaluation: Evaluation = {
  type: 'evaluation',
  step: 3,
  split: 'dev',
  metrics: [{ name: 'm', value: 1 }],
  trigger: 'cadence',
  commandId: null,
};
export const alert = { type: 'alert', step: 3, level: 'info', kind: 'disk', message: 'm' } as const;
export const analysis = {
  type: 'analysis',
  step: 3,
  kind: 'check',
  commandId: null,
  summary: {},
  message: '',
  blob: null,
} as const;
export const snapshot = { type: 'snapshot', step: 3, blob: blob('s'), trigger: 'alert', commandId: null, examples: 1 } as const;
export const shapes = { layers: [{ name: 'l', heads: 1, queries: 1, keys: 1 }], signals: [] };
export const sample = (text: string) => ({ type: 'media', step: 3, name: 'poem', kind: 'text', text }) as const;
export const of = <K extends keyof ListItems>(kind: K, item: object) => ({ op: 'put', kind, item });
export const put = (kind: keyof ListItems, event: RunEvent) => of(kind, { ...event, ...at9 });
export const outcome = (value: object) => [{ op: 'patch', kind: 'commands', id: 'command1', patch: { outcome: value } }];
export const asked = (more: object) => of('commands', { ...at9, actor: ada, command: set, askedAtStep: 0, ...more });
export const thinned = { quotaBytes: 1, seqs: [4, 5], message: '' };
export const did = (event: object) => of('activity', { ...at9, step: 0, event });
export const answer = { commandId: 'command1', seq: 4, step: 3, message: 'm' };
export const ended = { ...start, status: 'finished' as const };
export const lock = { type: 'control.requested', actor: ada } as const;
