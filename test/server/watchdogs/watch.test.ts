import { describe, expect, it } from 'vitest';
import { Watch } from '~/server/watchdogs/watch';
import type { Entry, RunEvent } from '~/shared/events';
import { emptyView, fold } from '~/shared/fold';
import type { RunView } from '~/shared/view';
import { defaultRules, type Watchdog } from '~/shared/watchdogs';
import { RandomStream } from '~/trainer/nn/random';
import { publishedSetup } from '../../support/setups';

const started: RunEvent = {
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
class Feed {
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
  snapshot(entropy: number[]) {
    this.add({
      type: 'snapshot',
      step: this.view.step,
      blob: { hash: 'a'.repeat(64), bytes: 1 },
      trigger: 'cadence',
      commandId: null,
      layers: [{ name: 'layer 1', heads: entropy.length, queries: 2, keys: 2 }],
      examples: 1,
      signals: [{ name: 'sharpness', role: 'entropy', values: entropy }],
    });
  }
}
const watching = (...rules: Watchdog[]) => new Feed(new Watch(rules));
const on = { enabled: true, reactions: [] };
const noise = new RandomStream(7, 'watchdogs');

describe('watchdogs', () => {
  it('the first NaN or infinity fires with its step, once while it lasts', () => {
    const feed = watching({ kind: 'not-finite', ...on });
    feed.rows([1, 1], [Number.NaN, 1], [Number.NaN, 1], [1, 1], [1, Number.POSITIVE_INFINITY]);
    expect(feed.fired).toEqual([
      { kind: 'not-finite', step: 1 },
      { kind: 'not-finite', step: 4 },
    ]);
    expect(feed.messages).toEqual(['at step 1 the loss is NaN', 'at step 4 the gradient norm is Infinity']);
  });

  it('a NaN that persists is told again after 100 steps, then at twice the number each time, and at once after a resume', () => {
    const feed = watching({ kind: 'not-finite', ...on });
    const nan = (count: number) => feed.rows(...Array.from({ length: count }, () => [Number.NaN, 1] as [number, number]));
    feed.rows([1, 1], [1, 1]);
    nan(450);
    expect(feed.messages).toEqual([
      'at step 2 the loss is NaN',
      'at step 102 the loss is NaN; it has not been finite since step 2',
      'at step 202 the loss is NaN; it has not been finite since step 2',
      'at step 402 the loss is NaN; it has not been finite since step 2',
    ]);
    const status = (status: 'paused' | 'running') => feed.add({ type: 'status', status, step: feed.view.step, message: status });
    status('paused');
    nan(1);
    expect(feed.fired).toHaveLength(4);
    status('running');
    nan(2);
    expect(feed.fired.slice(4)).toEqual([{ kind: 'not-finite', step: 453 }]);
    feed.rows([1, 1]);
    nan(1);
    expect(feed.messages.slice(5)).toEqual(['at step 456 the loss is NaN']);
  });

  it('one loss 8 deviations high fires at its step; noise within 4 does not', () => {
    const feed = watching({ kind: 'loss-spike', ...on, sigmas: 8, window: 50 });
    for (let i = 0; i < 400; i++) feed.rows([2 + 0.1 * Math.max(-4, Math.min(4, noise.normal(i))) + (i === 300 ? 2 : 0), 1]);
    expect(feed.fired).toEqual([{ kind: 'loss-spike', step: 300 }]);
  });

  it('a gradient above factor x its median fires; the first window never does', () => {
    const feed = watching({ kind: 'gradient-spike', ...on, factor: 10, window: 20 });
    feed.rows([1, 500], ...Array.from({ length: 30 }, () => [1, 1] as [number, number]), [1, 10.1], [1, 9.9]);
    expect(feed.fired).toEqual([{ kind: 'gradient-spike', step: 31 }]);
  });

  it('a loss that stands still fires after the steps given, a falling one never', () => {
    const flat = watching({ kind: 'plateau', ...on, steps: 100, improvement: 0.01 });
    for (let i = 0; i < 150; i++) flat.rows([2, 1]);
    expect(flat.fired).toEqual([{ kind: 'plateau', step: 100 }]);
    const falling = watching({ kind: 'plateau', ...on, steps: 100, improvement: 0.01 });
    for (let i = 0; i < 500; i++) falling.rows([2 * 0.998 ** i, 1]);
    expect(falling.fired).toEqual([]);
  });

  it('a plateau is one of the main metric, in its direction, where the run declares one: of its evaluations, or a series', () => {
    const rule: Watchdog = { kind: 'plateau', ...on, steps: 20, improvement: 0.1 };
    const evaluation = (feed: Feed, better: 'higher' | 'lower', value: number) => {
      for (let i = 0; i < 10; i++) feed.rows([2, 1]);
      const metrics = [{ name: 'score', value, better, main: true }];
      feed.add({ type: 'evaluation', step: feed.view.step, split: 'dev', metrics, trigger: 'cadence', commandId: null });
    };
    const told = (better: 'higher' | 'lower', values: number[]) => {
      const feed = watching(rule);
      for (const value of values) evaluation(feed, better, value);
      return [feed.fired, feed.messages];
    };
    // Best at step 20 (30 is not a tenth above 29): 20 steps later it has stood still.
    expect(told('higher', [10, 29, 30, 30])).toEqual([
      [{ kind: 'plateau', step: 40 }],
      ['the score has not risen by 10 % above 29 since step 20'],
    ]);
    expect(told('lower', [30, 20, 19, 19])).toEqual([
      [{ kind: 'plateau', step: 40 }],
      ['the score has not fallen by 10 % below 20 since step 20'],
    ]);
    expect(told('higher', [10, 20, 30, 40])).toEqual([[], []]);

    const feed = watching(rule);
    feed.add({ type: 'series', stream: 'dev', columns: [{ name: 'dev/bleu', better: 'higher', main: true }] });
    for (const [first, bleu] of [10, 20, 20, 20].entries()) {
      feed.rows([2 - first, 1]);
      feed.add({ type: 'rows', stream: 'dev', steps: { first: first * 15, count: 1 }, values: Float64Array.of(bleu) });
    }
    expect(feed.messages).toEqual(['the dev/bleu has not risen by 10 % above 20 since step 15']);
  });

  it('sharp attention with the loss at chance held 100 steps is a collapse; sharp attention that learned is not', () => {
    const rule: Watchdog = { kind: 'collapse', ...on, entropyBelow: 0.3, lossAbove: 0.9, steps: 100 };
    const run = (loss: number) => {
      const feed = watching(rule);
      for (let i = 0; i < 20; i++) {
        for (let j = 0; j < 10; j++) feed.rows([loss, 1]);
        feed.snapshot([0.15]);
      }
      return feed.fired;
    };
    // ln 10 = 2.303: 2.29 is chance. The first snapshot is at step 10, so 100 steps later is 110.
    expect(run(2.29)).toEqual([{ kind: 'collapse', step: 110 }]);
    expect(run(0.4)).toEqual([]);
  });

  it('without a known chance loss, or a signal that is entropy by its role, nothing counts as collapsed', () => {
    const rule: Watchdog = { kind: 'collapse', ...on, entropyBelow: 0.3, lossAbove: 0.9, steps: 100 };
    const feed = watching(rule);
    const [stream] = feed.view.streams;
    feed.view = {
      ...feed.view,
      streams: [{ ...stream!, columns: stream!.columns.map(({ chance: _known, ...column }) => column) }],
    };
    for (let i = 0; i < 20; i++) {
      for (let j = 0; j < 10; j++) feed.rows([2.29, 1]);
      feed.snapshot([0.15]);
    }
    expect(feed.fired).toEqual([]);
  });

  it('a running run without steps is stalled, a paused one is not', () => {
    const feed = watching({ kind: 'stalled', ...on, seconds: 60 });
    feed.add({ type: 'status', status: 'running', step: 0, message: '' });
    feed.take(feed.watch.tick(feed.view, 0, null));
    feed.take(feed.watch.tick(feed.view, 59_999, null));
    expect(feed.fired).toEqual([]);
    feed.take(feed.watch.tick(feed.view, 60_000, null));
    expect(feed.fired).toEqual([{ kind: 'stalled', step: 0 }]);
    feed.add({ type: 'status', status: 'paused', step: 0, message: '' });
    feed.take(feed.watch.tick(feed.view, 200_000, null));
    expect(feed.fired).toHaveLength(1);
  });

  it('a nearly full disk fires', () => {
    const feed = watching({ kind: 'disk', ...on, freeBytesBelow: 1e9 });
    feed.take(feed.watch.tick(feed.view, 0, 2e9));
    feed.take(feed.watch.tick(feed.view, 1, 5e8));
    expect(feed.messages).toEqual(["the data folder's disk has 0.5 GB left"]);
  });

  it('the default rules tell of a collapse with snapshots every 20 steps by step 110', () => {
    const feed = new Feed(new Watch(defaultRules.rules));
    for (let i = 0; i < 10; i++) {
      for (let j = 0; j < 20; j++) feed.rows([2.29 + 0.01 * noise.uniform(i * 20 + j), 1]);
      feed.snapshot([0.15]);
    }
    // First seen at step 20, held for 60.
    expect(feed.fired).toEqual([{ kind: 'collapse', step: 80 }]);
  });

  it('the default rules are silent on a smooth run', () => {
    const feed = new Feed(new Watch(defaultRules.rules));
    for (let i = 0; i < 2000; i++) feed.rows([2.3 * Math.exp(-i / 300) + 0.01 * (1 + noise.uniform(i)), 1 + noise.uniform(i)]);
    expect(feed.fired).toEqual([]);
  });
});
