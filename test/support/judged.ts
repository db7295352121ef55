import { judge } from '~/server/runs/judge';
import type { Command } from '~/shared/commands';
import type { ActionSpec, ControlSpec } from '~/shared/controls';
import type { RunEvent } from '~/shared/events';
import { emptyView, fold } from '~/shared/fold';
import type { Actor } from '~/shared/ids';
import type { RunView } from '~/shared/view';
import { publishedSetup } from '~/test/support/setups';

export const ada: Actor = { id: 'u1', name: 'Ada', role: 'operator' };
export const eve: Actor = { id: 'u2', name: 'Eve', role: 'viewer' };
export const number = (name: string, more: Partial<ControlSpec> = {}): ControlSpec => ({
  ...{ name, label: 'Rate', help: '', unit: '', type: 'number', min: 0, max: null, exclusiveMin: false, exclusiveMax: false },
  ...{ options: null, nullLabel: null, scale: 'linear', default: 1, takesEffect: 'next step', group: 'g', ...more },
});
export const action = (name: string, more: Partial<ActionSpec> = {}): ActionSpec => ({
  ...{ name, label: name, help: '', args: [], risky: false, ...more },
});
export const controls = {
  values: [number('lr', { role: 'learningRate' }), number('other', { label: 'Other' })],
  actions: [
    action('halt', { role: 'stop' }),
    action('rest', { role: 'pause' }),
    action('go on', { role: 'resume' }),
    action('call off', { role: 'cancel', args: [number('commandId', { type: 'text' })] }),
    action('check', { question: true, args: [number('seed')] }),
    action('plain'),
  ],
};
export const hash = (letter: string) => letter.repeat(64);
export const saved = (step: number, letter: string): Extract<RunEvent, { type: 'checkpoint' }> => ({
  ...{ type: 'checkpoint', step, blob: { hash: hash(letter), bytes: 1 }, trigger: 'cadence', commandId: null, lastCommandSeq: 0 },
});
export const status = (to: 'running' | 'paused' | 'finished'): RunEvent => ({ type: 'status', status: to, step: 3, message: '' });

export function viewAfter(created: object, ...events: RunEvent[]): RunView {
  const first = { type: 'run.created', setup: publishedSetup('reverse'), actor: ada, parent: null, ...created } as RunEvent;
  let view = emptyView('run001', { seq: 1, attempt: 0, at: 0, event: first });
  for (const event of events) view = fold(view, { seq: view.seq + 1, attempt: 1, at: 0, event });
  return view;
}
export const begun: RunEvent[] = [
  { type: 'run.assigned', attempt: 1, trainer: { id: 't', name: 'gpu', host: 'h' }, fromStep: 0, checkpoint: null },
  {
    ...{ type: 'started', step: 0, device: { device: 'CPU' }, controls, values: { lr: 5, other: 1 } },
    streams: [
      {
        stream: 's',
        columns: [
          { name: 'loss', role: 'loss' },
          { name: 'g', role: 'gradNorm' },
          { name: 'acc', role: 'accuracy' },
        ],
      },
    ],
  },
  status('running'),
];
export const row = (...values: [loss: number, gradNorm: number, accuracy: number]): RunEvent => ({
  ...{ type: 'rows', stream: 's', steps: { first: 2, count: 1 } },
  values: Float64Array.from(values),
});
export const running = viewAfter({}, ...begun);
export const epoch: RunEvent = { type: 'series', stream: 'epochs', columns: [{ name: 'epoch', role: 'epoch' }] };
export const tenEpochs = { ...viewAfter({}, ...begun, epoch), totalSteps: 2000, stepsPerEpoch: 200 };
export const finished = viewAfter({}, ...begun, saved(2, 'c'), status('finished'));
export const ownScript = { setup: publishedSetup('reverse', {}, { recipe: null, name: 'mine' }) };

export const set = (more: object = {}): Command => ({
  ...{ kind: 'set', id: 'command1', runId: 'run001', control: 'lr', value: 1 },
  ...more,
});
export const act = (name: string, args: object = {}, more: object = {}): Command =>
  ({ ...{ kind: 'act', id: 'command1', runId: 'run001', action: name, args }, ...more }) as Command;
export const checkpoints = (...of: [number, string][]) =>
  of.map(([step, letter], i) => ({ ...saved(step, letter), seq: i + 5, at: 0 }));
export const two = checkpoints([2, 'c'], [2, 'e'], [4, 'd']);
/** The reason, the field and the words; null: it may enter the log. */
export const said = (view: RunView, command: Command, of = two, actor = ada, endsAlone?: boolean): unknown[] | null => {
  const refusal = judge(view, actor, command, of, endsAlone);
  return refusal && [refusal.reason, refusal.field, refusal.message];
};
export const unknown = 'there is no control "nosuch"; this run has lr, other';
