import { Watch } from '~/server/watchdogs/watch';
import type { Entry, RunEvent, SnapshotEvent } from '~/shared/events';
import { emptyView, fold } from '~/shared/fold';
import type { RunView } from '~/shared/view';
import type { Watchdog } from '~/shared/watchdogs';
import { publishedSetup } from './setups';

export const started: Extract<RunEvent, { type: 'started' }> = {
  type: 'started',
  step: 0,
  device: { backend: 'cpu', device: 'CPU' },
  // Names of other programs: rules go by roles.
  streams: [
    {
      stream: 'steps',
      columns: [
        { name: 'train/nll', unit: 'nats', role: 'loss', chance: Math.log(10) },
        { name: 'grad.total', role: 'gradNorm' },
      ],
    },
  ],
  controls: { values: [], actions: [] },
  values: {},
};

/** A run's log, fed to a watch entry by entry. */
export class Feed {
  view: RunView;
  readonly fired: { kind: string; step: number }[] = [];
  readonly messages: string[] = [];
  constructor(readonly watch: Watch) {
    const actor = { id: 'a', name: 'Ada', role: 'operator' as const };
    this.view = emptyView('run001', {
      seq: 1,
      attempt: 0,
      at: 0,
      event: { type: 'run.created', setup: publishedSetup('reverse'), actor, parent: null },
    });
    this.add(started);
  }
  add(event: RunEvent) {
    const entry: Entry = { seq: this.view.seq + 1, attempt: 1, at: 0, event };
    this.view = fold(this.view, entry);
    this.take(this.watch.entry(this.view, entry));
  }
  take(firings: ReturnType<Watch['entry']>) {
    for (const { kind, step, message } of firings) {
      this.fired.push({ kind, step });
      this.messages.push(message);
    }
  }
  rows(...rows: [loss: number, gradNorm: number][]) {
    this.add({
      type: 'rows',
      stream: 'steps',
      steps: { first: this.view.step, count: rows.length },
      values: Float64Array.from(rows.flat()),
    });
  }
  /** Rows of a stream of its own with one column; the view's step does not go back. */
  series(stream: string, step: number, ...values: number[]) {
    this.add({ type: 'rows', stream, steps: { first: step, count: values.length }, values: Float64Array.from(values) });
  }
  snapshot(entropy: number[] | null, more: SnapshotEvent['signals'] = []) {
    this.add({
      type: 'snapshot',
      step: this.view.step,
      blob: { hash: 'a'.repeat(64), bytes: 1 },
      trigger: 'cadence',
      commandId: null,
      layers: [{ name: 'layer 1', heads: entropy?.length ?? 1, queries: 2, keys: 2 }],
      examples: 1,
      signals: entropy ? [...more, { name: 'sharpness', role: 'entropy', values: entropy }] : more,
    });
  }
}
export const watching = (...rules: Watchdog[]) => new Feed(new Watch(rules));
export const on = { enabled: true, reactions: [] };
