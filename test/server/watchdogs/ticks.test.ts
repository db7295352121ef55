/** Rules that look at the clock and the disk, about every second, whether or not the run does anything. */
import { describe, expect, it } from 'vitest';
import { type Feed, on, watching } from '~/test/support/watchdogFeed';

describe('a running run without steps is stalled', () => {
  const at = (feed: Feed, seconds: number) => feed.take(feed.watch.tick(feed.view, seconds * 1000, null));
  const begun = () => {
    const feed = watching({ kind: 'stalled', ...on, seconds: 60 });
    feed.add({ type: 'status', status: 'running', step: 0, message: '' });
    at(feed, 0);
    return feed;
  };

  it('after the seconds given; a paused one is not', () => {
    const feed = begun();
    feed.rows([1, 1]);
    at(feed, 1);
    at(feed, 60.999);
    expect(feed.fired).toEqual([]);
    at(feed, 61);
    expect(feed.messages).toEqual(['no step for 60 s; the run stands at step 1 and says it is running']);
    expect(feed.fired).toEqual([{ kind: 'stalled', step: 1 }]);
    feed.add({ type: 'status', status: 'paused', step: 1, message: '' });
    at(feed, 200);
    feed.add({ type: 'status', status: 'running', step: 1, message: '' });
    at(feed, 259);
    expect(feed.fired).toHaveLength(1);
    at(feed, 260);
    expect(feed.fired).toHaveLength(2);
  });

  it('before its first step after ten times as long: it may load data or compile', () => {
    const feed = begun();
    at(feed, 599);
    expect(feed.fired).toEqual([]);
    at(feed, 600);
    expect(feed.messages).toEqual(['no step for 600 s; the run stands at step 0 and says it is running']);
  });

  it('after ten times as long where it goes back, however fast its steps were', () => {
    const feed = begun();
    feed.rows([1, 1]);
    at(feed, 1);
    feed.add({ type: 'rewind', step: 0 });
    at(feed, 2);
    at(feed, 601);
    expect(feed.fired).toEqual([]);
    at(feed, 602);
    expect(feed.fired).toEqual([{ kind: 'stalled', step: 0 }]);
  });

  it('after three times as long as its steps are apart, e.g. where they are epochs', () => {
    const feed = begun();
    for (let epoch = 1; epoch <= 5; epoch++) {
      for (const seconds of [1, 150, 299]) at(feed, (epoch - 1) * 300 + seconds);
      feed.rows([1, 1]);
      at(feed, epoch * 300);
    }
    at(feed, 1500 + 899);
    expect(feed.fired).toEqual([]);
    at(feed, 1500 + 900);
    expect(feed.messages).toEqual(['no step for 900 s; the run stands at step 5 and says it is running']);
  });

  it('one slow step among fast ones counts less with every further step', () => {
    const feed = begun();
    feed.rows([1, 1]);
    at(feed, 50);
    for (let i = 1; i <= 20; i++) {
      feed.rows([1, 1]);
      at(feed, 50 + i);
    }
    at(feed, 70 + 60);
    expect(feed.messages).toEqual(['no step for 60 s; the run stands at step 21 and says it is running']);
  });
});

it('a nearly full disk fires', () => {
  const feed = watching({ kind: 'disk', ...on, freeBytesBelow: 1e9 }, { kind: 'not-finite', ...on });
  for (const free of [2e9, null, 1e9]) feed.take(feed.watch.tick(feed.view, 0, free));
  expect(feed.messages).toEqual([]);
  feed.take(feed.watch.tick(feed.view, 1, 5e8));
  expect(feed.messages).toEqual(["the data folder's disk has 0.5 GB left"]);
});
