import { describe, expect, it } from 'vitest';
import type { Entry } from '~/shared/events';
import type { RunView } from '~/shared/view';

import { bench, expectSame } from '~/test/support/history';
import { seeded } from '~/test/support/seeded';

describe('step rows of a live run', () => {
  it('rows that arrive while a range is being read are added once, after it', async () => {
    const b = bench();
    b.add([1, 10], [2, 20]);
    b.history.reset(b.view());
    b.hold();
    b.history.want(['loss']);
    await b.settle();
    const late = b.add([3, 30]);
    b.history.entries([late], []);
    await b.open();
    b.history.entries([b.add([4, 40])], []);
    expect(b.questions).toEqual([
      { series: ['loss'], fromStep: Number.MIN_SAFE_INTEGER, toStep: null, buckets: 300, smoothing: null, around: false },
    ]);
    expectSame(b.history.curve('loss')!, b.rows(), 0);
  });

  it('a long live run equals the range query of its rows', async () => {
    const b = bench();
    const rng = seeded(5);
    b.history.reset(b.view());
    b.history.want(['loss', 'gradNorm']);
    await b.settle();
    while (b.rows().length < 3000) {
      const fresh = Array.from({ length: 1 + Math.floor(rng() * 9) }, () => [rng(), rng() < 0.02 ? Number.NaN : rng()]);
      b.history.entries([b.add(...fresh)], []);
    }
    expectSame(b.history.curve('loss')!, b.rows(), 0);
    expectSame(b.history.curve('gradNorm')!, b.rows(), 1);
    expect(b.questions.length).toBe(1);
  });

  it('rows go to the series of their own stream, each at its own cadence; a stream may be declared at any time', async () => {
    const b = bench({ steps: ['loss'], 'val, every 50': ['val/loss', '__proto__'] });
    b.history.reset({ streams: [], step: 0 } as unknown as RunView);
    b.history.want(['loss', 'val/loss', '__proto__']);
    await b.settle();
    const declare = (stream: string, ...names: string[]): Entry => ({
      seq: 1,
      attempt: 1,
      at: 0,
      event: { type: 'series', stream, columns: names.map((name) => ({ name })) },
    });
    b.history.entries([declare('steps', 'loss'), declare('val, every 50', 'val/loss', '__proto__')], []);
    for (let s = 0; s < 200; s++) {
      const entries = [b.add([s])];
      if (s % 50 === 0) entries.push(b.log('val, every 50', [[s, s / 2, s / 4]]));
      b.history.entries(entries, []);
    }
    expectSame(b.history.curve('loss')!, b.rows('steps'), 0);
    expectSame(b.history.curve('val/loss')!, b.rows('val, every 50'), 0);
    expectSame(b.history.curve('__proto__')!, b.rows('val, every 50'), 1);
    expect([b.history.curve('val/loss')!.count, b.history.curve('val/loss')!.nonFiniteCount()]).toEqual([4, 0]);
    // What is drawn is exact, so nothing was asked again.
    expect(b.history.exact('val/loss', 149)).toEqual({ step: 100, value: 50 });
    expect(b.questions.length).toBe(1);
  });

  it('of a view that holds a part of a stream, values come from their own places in the row', async () => {
    const b = bench({ wide: ['a', 'b', 'c'] });
    b.history.reset({ streams: [{ name: 'wide', columns: [{ name: 'c' }], at: [2] }], step: 0 } as unknown as RunView);
    b.history.want(['c']);
    await b.settle();
    b.history.entries([b.log('wide', [[0, 1, 2, 3]])], []);
    expect(b.history.curve('c')!.values.last[0]).toBe(3);
  });

  it('rows that the server left out are a hole in the curves of their stream alone, and a new read fills it', async () => {
    const b = bench({ steps: ['loss'], other: ['x'] });
    b.history.reset(b.view());
    b.history.want(['loss', 'x']);
    await b.settle();
    b.history.entries([b.add([1]), b.log('other', [[0, 7]])], []);
    b.add([2], [3]);
    b.history.entries([b.add([4])], [{ type: 'skipped', stream: 'steps', first: 1, last: 2 }]);
    expect([b.history.curve('loss')!.holes, b.history.curve('x')!.holes]).toEqual([true, false]);
    await b.tick();
    expect(b.history.curve('loss')!.holes).toBe(false);
    expectSame(b.history.curve('loss')!, b.rows(), 0);
  });

  it('a hole that opens while its range is being read is filled too', async () => {
    const b = bench();
    b.history.reset(b.view());
    b.hold();
    b.history.want(['loss']);
    await b.settle();
    b.add([1, 1], [2, 2]);
    b.history.entries([b.add([3, 3])], [{ type: 'skipped', stream: 'steps', first: 0, last: 1 }]);
    await b.open();
    await b.tick();
    expectSame(b.history.curve('loss')!, b.rows(), 0);
  });

  it('a rewind drops superseded rows of every stream, also through the middle of a bucket and from answers under way', async () => {
    const b = bench();
    for (let s = 0; s < 1000; s++) b.add([s, s]); // 1000 rows in at most 300 buckets: 4 a bucket
    b.history.reset(b.view());
    b.history.want(['loss']);
    await b.settle();
    expect(b.history.curve('loss')!.bucketSteps).toBe(4);
    b.hold();
    b.history.want(['gradNorm']);
    await b.settle(); // its answer, with the old rows, is now under way
    b.history.entries([b.rewind(501), b.add([-1, -1])], []);
    await b.open();
    await b.tick();
    expect(b.rows().length).toBe(502);
    expectSame(b.history.curve('loss')!, b.rows(), 0);
    expectSame(b.history.curve('gradNorm')!, b.rows(), 1);
  });

  it('after a reconnection everything is read again and what was drawn stays until then', async () => {
    const b = bench();
    b.add([1, 1]);
    b.history.reset(b.view());
    b.history.want(['loss']);
    await b.settle();
    b.add([2, 2], [3, 3]); // missed
    b.history.reset(b.view());
    expect(b.history.curve('loss')!.count).toBe(1);
    await b.tick();
    expectSame(b.history.curve('loss')!, b.rows(), 0);
  });
});
