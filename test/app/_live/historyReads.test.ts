import { describe, expect, it } from 'vitest';
import { History } from '~/app/_live/history';
import { earlyRanges } from '~/app/_live/levels';

import { bench, expectAverage, expectSame, reduced } from '~/test/support/history';
import { seeded } from '~/test/support/seeded';

describe('reads of step rows', () => {
  it('zoom reads the range down to raw values once; coming back to a level asks nothing', async () => {
    const b = bench();
    for (let s = 0; s < 1000; s++) b.add([s, s]);
    b.history.reset(b.view());
    b.history.want(['loss']);
    await b.settle();
    b.history.show([100, 200]);
    await b.settle();
    expect(b.history.curve('loss')!.bucketSteps).toBe(1);
    expectSame(b.history.curve('loss')!, b.rows(), 0, 100, 200);
    expect([b.history.curve('loss')!.firstStep, b.history.curve('loss')!.lastStep]).toEqual([99, 200]); // the rows around it
    const asked = b.questions.length;
    b.history.show(null);
    b.history.show([100, 200]);
    await b.settle();
    expect(b.questions.length).toBe(asked);
    expect(b.history.wholeCurve('loss')!.bucketSteps).toBe(4);
  });

  it('a wider chart gets finer buckets; what was drawn stays until they are there', async () => {
    const b = bench();
    for (let s = 0; s < 1000; s++) b.add([s, s]);
    b.history.reset(b.view());
    b.history.want(['loss']);
    await b.settle();
    b.history.resolve(2000);
    expect(b.history.curve('loss')!.bucketSteps).toBe(4);
    await b.tick();
    expect(b.history.curve('loss')!.bucketSteps).toBe(1);
    expectSame(b.history.curve('loss')!, b.rows(), 0);
    b.history.resolve(500); // never coarser
    await b.tick();
    expect(b.questions.length).toBe(2);
  });

  it('the whole run stays known for the timeline, also where a wider chart shows a part of it from the start, as a link opens it', async () => {
    const b = bench();
    const rows = Array.from({ length: 50 }, (_, i) => [1000 + 10 * i, i] as const);
    b.log(b.view().streams[0]!.name, rows);
    b.history.show([1100, 1200]);
    b.history.reset(b.view());
    b.history.want(['loss']);
    await b.settle();
    b.history.resolve(2000);
    expect(b.history.wholeCurve('loss')!.count).toBe(50);
    await b.settle();
    expectSame(b.history.wholeCurve('loss')!, b.rows(), 0);
    expect([b.history.startStep(), b.history.stride()]).toEqual([1000, 10]);
  });

  it('a failed read is reported, tried again after a while, and then forgotten', async () => {
    let fail = true;
    const timers: (() => void)[] = [];
    const history = new History({
      read: async (q) => {
        if (fail) throw new Error('no connection');
        return {
          headStep: 2,
          series: [
            {
              name: 'loss',
              stream: 's',
              ...reduced(
                [
                  [0, 1],
                  [1, 2],
                ],
                0,
                q,
              ),
            },
          ],
        };
      },
      later: (then) => {
        timers.push(then);
        return () => {};
      },
    });
    history.want(['loss']);
    for (let i = 0; i < 20; i++) await Promise.resolve();
    expect([history.error, history.curve('loss')]).toEqual(['no connection', null]);
    fail = false;
    for (const t of timers.splice(0)) t();
    for (let i = 0; i < 20; i++) await Promise.resolve();
    expect([history.error, history.curve('loss')!.count]).toEqual([null, 2]);
  });

  it('the moving average is that of every raw row: read, continued live through doublings, zoomed, and with another weight', async () => {
    const b = bench();
    const rng = seeded(17);
    const fresh = () => [rng() < 0.02 ? Number.NaN : rng(), rng()];
    for (let s = 0; s < 700; s++) b.add(fresh());
    b.history.smooth(0.9);
    b.history.reset(b.view());
    b.history.want(['loss'], true);
    b.history.want(['gradNorm']);
    await b.settle();
    expect(b.questions.map((q) => [q.series, q.smoothing])).toEqual([
      [['loss'], 0.9],
      [['gradNorm'], null],
    ]);
    while (b.rows().length < 3000) b.history.entries([b.add(...Array.from({ length: 7 }, fresh))], []);
    expectAverage(b.history.curve('loss')!, b.rows(), 0, 0.9);
    b.history.show([2500, 2600]);
    await b.settle();
    expectAverage(b.history.curve('loss')!, b.rows(), 0, 0.9);
    const drawn = b.history.curve('loss')!;
    b.history.smooth(0.995);
    expect(b.history.curve('loss')).toBe(drawn);
    await b.settle();
    expectAverage(b.history.curve('loss')!, b.rows(), 0, 0.995);
    b.history.show(null);
    await b.settle();
    expectAverage(b.history.curve('loss')!, b.rows(), 0, 0.995);
    b.history.entries([b.rewind(1500), b.add(...Array.from({ length: 40 }, fresh))], []);
    await b.settle();
    await b.tick();
    expectAverage(b.history.curve('loss')!, b.rows(), 0, 0.995);
    b.history.smooth(0);
    expect(b.history.average('loss', 3)).toBeNull();
  });

  it('many series are asked for in small questions, so that the first ones are drawn while the others are read', async () => {
    const names = Array.from({ length: 50 }, (_, i) => `s${i}`);
    const b = bench({ s: names });
    b.history.want(names);
    await b.settle();
    expect(b.questions.map((q) => q.series.length)).toEqual([16, 16, 16, 2]);
  });

  it('a logarithmic axis reads the first steps finer, down to single ones', async () => {
    expect(earlyRanges(0, 1_000_000)).toEqual([
      [0, 1024],
      [0, 8192],
      [0, 65_536],
    ]);
    expect(earlyRanges(1000, 3000)).toEqual([]);
    const b = bench();
    for (let s = 0; s < 5000; s++) b.add([s, s]);
    b.history.reset(b.view());
    b.history.want(['loss']);
    await b.settle();
    expect(b.history.earlyCurves('loss')).toEqual([]);
    b.history.show(null, true);
    await b.settle();
    expect(b.history.earlyCurves('loss').map((c) => [c.bucketSteps, c.toStep])).toEqual([[4, 1024]]);
    expect(b.history.curve('loss')!.bucketSteps).toBe(32);
  });
});
