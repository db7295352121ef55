import { describe, expect, it } from 'vitest';
import { Watch } from '~/server/watchdogs/watch';
import type { RunEvent } from '~/shared/events';
import { defaultRules, type Watchdog } from '~/shared/watchdogs';
import { Feed, on, started, watching } from '~/test/support/watchdogFeed';
import { RandomStream } from '~/trainer/nn/random';

const noise = new RandomStream(7, 'watchdogs');

describe('watchdogs', () => {
  it('the first NaN or infinity fires with its step, once while it lasts', () => {
    const feed = watching({ kind: 'not-finite', ...on });
    feed.rows([1, 1], [Number.NaN, 1], [Number.NaN, 1], [1, 1], [Number.POSITIVE_INFINITY, 1]);
    expect(feed.fired).toEqual([
      { kind: 'not-finite', step: 1 },
      { kind: 'not-finite', step: 4 },
    ]);
    expect(feed.messages).toEqual(['at step 1 the loss is NaN', 'at step 4 the loss is Infinity']);
  });

  it('a series that has the name of a loss is watched where none is declared as the loss', () => {
    const feed = watching({ kind: 'not-finite', ...on });
    feed.view = { ...feed.view, streams: [] };
    feed.add({ type: 'series', stream: 'own', columns: [{ name: 'val_loss' }, { name: 'g_loss' }] });
    const row = (step: number, ...values: number[]) =>
      feed.add({ type: 'rows', stream: 'own', steps: { first: step, count: 1 }, values: Float64Array.from(values) });
    row(0, 1, 1);
    row(1, Number.NaN, 1);
    row(2, 1, Number.NaN);
    expect(feed.messages).toEqual(['at step 2 the loss is NaN']);
  });

  it('of several losses each is watched, also in a stream of its own; the alarm ends when all are finite', () => {
    const feed = watching({ kind: 'not-finite', ...on });
    feed.view = { ...feed.view, streams: [] };
    for (const stream of ['g', 'd', 'q']) feed.add({ type: 'series', stream, columns: [{ name: `${stream}_loss` }] });
    feed.series('g', 0, 1, 1);
    feed.series('d', 0, 1, Number.NaN);
    feed.series('q', 1, Number.POSITIVE_INFINITY);
    feed.series('d', 2, 1);
    feed.series('g', 2, 1);
    feed.series('q', 3, 1, Number.NEGATIVE_INFINITY);
    expect(feed.messages).toEqual(['at step 1 d_loss is NaN', 'at step 4 q_loss is -Infinity']);
    feed.add({ type: 'rewind', step: 3 });
    feed.series('g', 3, Number.NaN);
    feed.series('d', 3, 1);
    expect(feed.messages.slice(2)).toEqual(['at step 3 the loss is NaN']);
  });

  it('a gradient norm that is not finite is told when twenty in a row are: mixed precision leaves out such updates', () => {
    const feed = watching({ kind: 'not-finite', ...on });
    const bad = (count: number) =>
      feed.rows(...Array.from({ length: count }, () => [1, Number.POSITIVE_INFINITY] as [number, number]));
    bad(19);
    feed.rows([1, 1]);
    bad(20);
    expect(feed.messages).toEqual(['at step 39 the gradient norm is Infinity, as in the 19 rows before']);
    feed.add({ type: 'rewind', step: 30 });
    bad(19);
    expect(feed.messages).toHaveLength(1);
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

  it('a spike is measured against the last window alone, says its numbers, and ends with the next usual value', () => {
    const feed = watching({ kind: 'loss-spike', ...on, sigmas: 3, window: 4 });
    // Of 1, 3, 1, 3: mean 2, deviation 1; 5 is three deviations above and no spike, 6 is one: of 3, 1, 3, 5 the mean is 3, the deviation 1.414.
    feed.rows([1, 1], [3, 1], [1, 1], [3, 1], [5, 1]);
    expect(feed.messages).toEqual([]);
    feed.rows([Number.NaN, 1], [Number.POSITIVE_INFINITY, 1], [8, 1], [9, 1], [3, 1]);
    expect(feed.messages).toEqual(['at step 7 the loss is 8, 3.536 standard deviations above its mean 3 over 4 steps']);
    const flat = watching({ kind: 'loss-spike', ...on, sigmas: 3, window: 4 });
    flat.rows(...Array.from({ length: 20 }, () => [2, 1] as [number, number]));
    expect(flat.fired).toEqual([]);
  });

  it('a gradient above factor x its median fires; the first window never does', () => {
    const feed = watching({ kind: 'gradient-spike', ...on, factor: 10, window: 20 });
    feed.rows([1, 500], ...Array.from({ length: 30 }, () => [1, 1] as [number, number]), [1, 10.1], [1, 9.9]);
    expect(feed.fired).toEqual([{ kind: 'gradient-spike', step: 31 }]);
  });

  it('a gradient of just factor x its median is no spike; what is not finite is none and does not count for the median', () => {
    const feed = watching({ kind: 'gradient-spike', ...on, factor: 10, window: 4 });
    feed.rows([1, 2], [1, 2], [1, 2], [1, 2], [1, 20], [1, Number.NaN], [1, Number.POSITIVE_INFINITY], [1, 24]);
    expect(feed.messages).toEqual(['at step 7 the gradient norm is 24, 12 times its median 2 over 4 steps']);
  });

  it('the loss and the gradient norm may be in different streams, among others', () => {
    const feed = watching(
      { kind: 'not-finite', ...on },
      { kind: 'loss-spike', ...on, sigmas: 3, window: 2 },
      { kind: 'gradient-spike', ...on, factor: 2, window: 2 },
      { kind: 'collapse', ...on, entropyBelow: 0.3, lossAbove: 0.9, steps: 1 },
    );
    feed.add({ ...started, streams: [] });
    feed.view = { ...feed.view, streams: [] };
    const declare = (stream: string, role?: 'loss' | 'gradNorm') =>
      feed.add({
        type: 'series',
        stream,
        columns: [{ name: stream, ...(role && { role }), ...(role === 'loss' && { chance: 2 }) }],
      });
    declare('lr');
    feed.snapshot([0.1]);
    declare('nll', 'loss');
    declare('norm', 'gradNorm');
    feed.series('nll', 0, 2, 2, Number.NaN);
    feed.series('norm', 0, 1, 1, 1, 1);
    // Neither another stream nor one that the view does not hold says anything of the loss.
    feed.series('lr', 3, ...Array.from({ length: 300 }, () => 1));
    feed.series('nosuch', 303, 1);
    expect(feed.messages).toEqual(['at step 2 the loss is NaN']);
    feed.series('nll', 304, 2);
    feed.series('norm', 304, 1);
    feed.snapshot([0.1]);
    feed.series('norm', 305, 1);
    feed.snapshot([0.1]);
    expect(feed.messages.slice(1)).toEqual([
      'attention is nearly one-hot (entropy 0.1 of 1) while the loss 2 stays near chance (2), since step 305',
    ]);
    // A spike that lasts is one spike, whatever the other streams say in between.
    feed.series('nll', 306, 2, 50);
    feed.series('norm', 306, 1, 9);
    feed.series('nll', 308, 400);
    feed.series('norm', 308, 11);
    expect(feed.fired.slice(2)).toEqual([
      { kind: 'loss-spike', step: 307 },
      { kind: 'gradient-spike', step: 307 },
    ]);
  });

  it('a role that a later release of a script declares counts from then on', () => {
    const feed = watching({ kind: 'not-finite', ...on });
    const declare = (role?: 'loss') =>
      feed.add({ type: 'series', stream: 'more', columns: [{ name: 'x', ...(role && { role }) }] });
    feed.view = { ...feed.view, streams: [] };
    declare();
    feed.series('more', 0, Number.NaN);
    declare('loss');
    feed.series('more', 1, Number.NaN);
    expect(feed.messages).toEqual(['at step 1 the loss is NaN']);
  });

  it('a new attempt and a rewind begin anew: what was seen before says nothing of it', () => {
    const back: RunEvent[] = [
      { type: 'rewind', step: 0 },
      {
        type: 'run.assigned',
        attempt: 2,
        trainer: { id: 't', name: 'gpu', host: 'h' },
        fromStep: 0,
        checkpoint: null,
      },
    ];
    const rules: Watchdog[] = [
      { kind: 'not-finite', ...on },
      { kind: 'loss-spike', ...on, sigmas: 3, window: 3 },
      { kind: 'gradient-spike', ...on, factor: 3, window: 3 },
      { kind: 'collapse', ...on, entropyBelow: 0.3, lossAbove: 0.9, steps: 5 },
      { kind: 'disk', ...on, freeBytesBelow: 1e9 },
    ];
    for (const event of back) {
      const feed = watching(...rules);
      feed.rows([2.2, 1]);
      feed.snapshot([0.1]);
      feed.rows([2.3, 1], [2.25, 1]);
      feed.add(event);
      // 9 is far above the old window, and 40 times the old median; since step 3 heads are sharp, with the steps before it for too long.
      feed.rows([9, 40], [9, 40], [9, 40]);
      feed.snapshot([0.1]);
      feed.rows([9, 40], [9, 40], [9, 40], [9, 40]);
      feed.snapshot([0.1]);
      expect(feed.messages, event.type).toEqual([]);
      // An alarm of before is told again where its reason is there again, but one that is not of the run's steps.
      feed.rows([Number.NaN, 1]);
      feed.take(feed.watch.tick(feed.view, 0, 0));
      feed.add(event);
      feed.take(feed.watch.tick(feed.view, 0, 0));
      feed.rows([Number.NaN, 1]);
      expect(feed.messages, event.type).toEqual([
        'at step 7 the loss is NaN',
        "the data folder's disk has 0 GB left",
        'at step 0 the loss is NaN',
      ]);
      const flat = watching({ kind: 'plateau', ...on, steps: 10, improvement: 0.01 });
      flat.rows([1, 1], [1, 1]);
      flat.add(event);
      for (let i = 0; i < 11; i++) flat.rows([9, 1]);
      expect(flat.messages, event.type).toEqual(['the smoothed loss has not fallen by 1 % below 9 since step 0']);
    }
  });

  it('a rule that is switched off says nothing', () => {
    const feed = watching({ kind: 'not-finite', enabled: false, reactions: [] });
    feed.rows([Number.NaN, 1]);
    expect(feed.fired).toEqual([]);
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
      const beside = [{ name: 'loss', value: 1, role: 'loss' as const }];
      feed.add({
        type: 'evaluation',
        step: feed.view.step,
        split: 'train',
        metrics: beside,
        trigger: 'cadence',
        commandId: null,
      });
      feed.add({ type: 'evaluation', step: feed.view.step, split: 'dev', metrics, trigger: 'cadence', commandId: null });
    };
    const told = (better: 'higher' | 'lower', values: number[]) => {
      const feed = watching({ kind: 'stalled', ...on, seconds: 60 }, rule);
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
    // NaN is no progress, and no plateau either.
    expect(told('higher', [10, Number.NaN, Number.NaN])).toEqual([[], []]);
    expect(told('lower', [-10, -10.5, -10.9])).toEqual([
      [{ kind: 'plateau', step: 30 }],
      ['the score has not fallen by 10 % below -10 since step 10'],
    ]);

    const feed = watching(rule);
    feed.add({ type: 'series', stream: 'dev', columns: [{ name: 'dev/bleu', better: 'higher', main: true }] });
    for (const [first, bleu] of [10, 20, 20, 20].entries()) {
      feed.rows([2 - first, 1]);
      feed.add({ type: 'rows', stream: 'dev', steps: { first: first * 15, count: 1 }, values: Float64Array.of(bleu) });
    }
    feed.rows([-2, 1]);
    feed.series('dev', 60, 20);
    expect(feed.messages).toEqual(['the dev/bleu has not risen by 10 % above 20 since step 15']);
  });

  it('sharp attention with the loss at chance held 100 steps is a collapse; sharp attention that learned is not', () => {
    const rule: Watchdog = { kind: 'collapse', ...on, entropyBelow: 0.3, lossAbove: 0.9, steps: 100 };
    const run = (loss: number) => {
      const feed = watching(rule);
      for (let i = 0; i < 20; i++) {
        for (let j = 0; j < 10; j++) feed.rows([loss, 1]);
        feed.snapshot([0.15], [{ name: 'reach', values: [0.9] }]);
      }
      return feed.fired;
    };
    // ln 10 = 2.303: 2.29 is chance. The first snapshot is at step 10, so 100 steps later is 110.
    expect(run(2.29)).toEqual([{ kind: 'collapse', step: 110 }]);
    expect(run(0.4)).toEqual([]);
  });

  it('a snapshot without an entropy, or while the loss is NaN, does not end a collapse', () => {
    const feed = watching({ kind: 'collapse', ...on, entropyBelow: 0.3, lossAbove: 0.9, steps: 1 });
    for (const loss of [2.3, 2.3, Number.NaN, 2.3]) {
      feed.rows([loss, 1]);
      feed.snapshot([0.15]);
      feed.snapshot(null);
    }
    expect(feed.fired).toEqual([{ kind: 'collapse', step: 2 }]);
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
