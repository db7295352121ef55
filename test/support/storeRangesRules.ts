import { expect, it } from 'vitest';
import type { RunEvent } from '~/shared/events';
import type { WithStore } from './storeEntries';
import { all, assigned, created, declared, everything, named, rows, snapshot, sparse, writer } from './storeEntries';

/** Streams, their rows in force, and ranges over them. */
export function storeRangesRules(withStore: WithStore): void {
  it(
    '[S20] a stream that is declared again takes in what the first declaration left out; what contradicts it is refused',
    withStore(async (store, runId) => {
      const run = writer(store, runId);
      const again = (columns: object[]): RunEvent => ({ type: 'series', stream: 'steps', columns }) as RunEvent;
      await run.append([created, assigned(1, 0), declared(), rows(0, 4, 2, (s) => s)]);
      await run.append([again([{ name: 'loss', role: 'loss', chance: 2.3 }, { name: 'gradNorm' }])]);
      await run.append([declared(), rows(4, 2, 2, (s) => s)]);
      const [stream] = await store.streams(runId);
      expect(stream!.columns).toEqual([{ name: 'loss', role: 'loss', chance: 2.3 }, { name: 'gradNorm' }]);
      const write = { runId, after: run.log.at(-1)!.seq + 1, attempt: 1, nextEvent: 20 };
      const other = again([{ name: 'loss', role: 'accuracy' }, { name: 'gradNorm' }]);
      await expect(
        store.append({ ...write, entries: [{ seq: write.after + 1, attempt: 1, at: 1, event: other }] }),
      ).rejects.toThrow(
        'columns.0.role: series "loss" was declared with role "loss" and keeps it, got "accuracy"; give "loss", or the series another name',
      );
    }),
  );

  it(
    '[S5] after a rewind the rows of the later attempt are in force, the superseded ones stay in the log',
    withStore(async (store, runId) => {
      const run = writer(store, runId);
      await run.append([
        created,
        assigned(1, 0),
        declared(),
        rows(0, 100, 2, (s) => s),
        snapshot(50, { entropy: [1, 2] }),
        snapshot(60, { entropy: [3, 4] }),
      ]);
      await run.append([assigned(2, 50, 104)]);
      const before = await store.range({ runId, ...everything });
      expect([before.headStep, named(before, 'loss').steps.length]).toEqual([50, 50]);
      // From here on the model has one more head.
      await run.append([rows(50, 10, 2, (s) => -s), snapshot(60, { entropy: [5, 6, 7] }, 3)]);
      const after = await store.range({ runId, ...everything });
      expect(after.headStep).toBe(60);
      expect([...named(after, 'loss').last]).toEqual(Array.from({ length: 60 }, (_, s) => (s < 50 ? s : -s)));
      expect(await store.entries({ runId, ...all })).toEqual(run.log);
      // the snapshot of step 50 was part of the checkpoint's step (seq 104 = keepSeq), that of step 60 was not
      expect(await store.signals(runId)).toEqual({
        steps: Float64Array.of(50, 60),
        seqs: Float64Array.of(104, 117),
        shapes: [2, 3].map((heads) => [{ name: 'layer 1', heads, queries: 2, keys: 2 }]),
        shape: Int32Array.of(0, 1),
        signals: [{ name: 'entropy', values: Float64Array.of(1, 2, 5, 6, 7) }],
      });
      // Of what is asked for: 117 twice, 103 is no snapshot, and 105 is not in force.
      expect(await store.signals(runId, [117, 103, 117, 105])).toEqual({
        steps: Float64Array.of(60),
        seqs: Float64Array.of(117),
        shapes: [[{ name: 'layer 1', heads: 3, queries: 2, keys: 2 }]],
        shape: Int32Array.of(0),
        signals: [{ name: 'entropy', values: Float64Array.of(5, 6, 7) }],
      });
      expect((await store.signals(runId, [])).steps.length).toBe(0);
    }),
  );

  it(
    '[S6] a range holds each row of fromStep..toStep once, in buckets of a power of two on a fixed grid; a spike survives',
    withStore(async (store, runId) => {
      const run = writer(store, runId);
      await run.append([created, assigned(1, 0), declared()]);
      await run.append([rows(0, 10_000, 2, (s, c) => (c === 0 ? s : s === 7_777 ? 1e6 : s === 7_778 ? Number.NaN : 0))]);
      const r = await store.range({ runId, series: null, fromStep: 3, toStep: 9_990, buckets: 10 });
      const [loss, gradNorm] = [named(r, 'loss'), named(r, 'gradNorm')];
      // 9,987 steps in at most 10 buckets: 1,024 steps each, from 0
      expect([loss.bucketSteps, loss.steps.length, r.headStep]).toEqual([1024, 10, 10_000]);
      expect([...loss.rows]).toEqual([1021, ...Array(8).fill(1024), 9990 - 9216]);
      expect([...loss.steps]).toEqual([3, 1024, 2048, 3072, 4096, 5120, 6144, 7168, 8192, 9216]);
      expect([...loss.lastSteps]).toEqual([1023, 2047, 3071, 4095, 5119, 6143, 7167, 8191, 9215, 9989]);
      expect([...loss.min]).toEqual([3, 1024, 2048, 3072, 4096, 5120, 6144, 7168, 8192, 9216]);
      expect([...loss.max]).toEqual([1023, 2047, 3071, 4095, 5119, 6143, 7167, 8191, 9215, 9989]);
      expect([...gradNorm.max]).toEqual([0, 0, 0, 0, 0, 0, 0, 1e6, 0, 0]);
      expect([...gradNorm.nonFinite]).toEqual([0, 0, 0, 0, 0, 0, 0, 1, 0, 0]);
      expect([...gradNorm.sum]).toEqual([0, 0, 0, 0, 0, 0, 0, 1e6, 0, 0]);
      const one = await store.range({
        runId,
        series: ['gradNorm', 'nosuch'],
        fromStep: 7_776,
        toStep: 7_780,
        buckets: 100,
      });
      expect([named(one, 'gradNorm').bucketSteps, one.series.map((s) => s.name), [...named(one, 'gradNorm').last]]).toEqual([
        1,
        ['gradNorm'],
        [0, 1e6, Number.NaN, 0],
      ]);
    }),
  );

  it(
    '[S7] an unknown run, a run without rows and a range beyond the head answer empty',
    withStore(async (store, runId) => {
      const run = writer(store, runId);
      await run.append([created]);
      expect(await store.range({ runId: 'nosuch', ...everything })).toEqual({ headStep: 0, series: [] });
      expect(await store.range({ runId, ...everything })).toEqual({ headStep: 0, series: [] });
      expect([await store.streams('nosuch'), await store.streams(runId)]).toEqual([[], []]);
      expect(await store.series({ runId: 'nosuch', search: null, skip: 0, limit: 10 })).toEqual({ series: [], total: 0 });
      const noRows = { steps: new Float64Array(0), times: new Float64Array(0), values: new Float64Array(0), more: false };
      expect(await store.rows({ runId, stream: 'steps', fromStep: 0, toStep: null, limit: 5 })).toEqual(noRows);
      expect(await store.signals('nosuch')).toEqual({
        steps: new Float64Array(0),
        seqs: new Float64Array(0),
        shapes: [],
        shape: new Int32Array(0),
        signals: [],
      });
      expect(await store.view('nosuch')).toBeNull();
      await run.append([assigned(1, 0), declared()]);
      const none = await store.range({ runId, series: ['loss'], fromStep: 0, toStep: null, buckets: 10, smoothing: 0.5 });
      expect([none.headStep, [...named(none, 'loss').steps], named(none, 'loss').emaEnd]).toEqual([0, [], { value: 0, seen: 0 }]);
      await run.append([rows(0, 5, 2, (s) => s)]);
      const beyond = await store.range({ runId, series: ['loss'], fromStep: 5, toStep: 9, buckets: 10, smoothing: 0 });
      expect([beyond.headStep, [...named(beyond, 'loss').steps], named(beyond, 'loss').emaEnd]).toEqual([
        5,
        [],
        { value: 4, seen: 5 },
      ]);
    }),
  );

  it(
    '[S8] steps may be missing (a branch begins late): only buckets that hold a row are listed',
    withStore(async (store, runId) => {
      const run = writer(store, runId);
      await run.append([created, assigned(1, 3000), declared()]);
      expect((await store.range({ runId, ...everything })).headStep).toBe(3000);
      await run.append([rows(3000, 2000, 2, (s) => s), rows(9000, 1, 2, (s) => s)]);
      const r = await store.range({ runId, series: ['loss'], fromStep: 0, toStep: null, buckets: 10 });
      const loss = named(r, 'loss');
      // from 3,000 to 9,000 in at most 10 buckets: 1,024 steps each
      expect([loss.bucketSteps, [...loss.rows], r.headStep]).toEqual([1024, [72, 1024, 904, 1], 9001]);
      expect([...loss.steps]).toEqual([3000, 3072, 4096, 9000]);
      expect([...loss.last]).toEqual([3071, 4095, 4999, 9000]);
      expect(await store.entries({ runId, ...all })).toEqual(run.log);
    }),
  );

  it(
    '[S16] steps 0, 10^12 and 2^53 - 1, and negative ones, cost by the rows there are; rows that fit are each by itself',
    withStore(async (store, runId) => {
      const run = writer(store, runId);
      const steps = [-(2 ** 53 - 1), -7, 0, 10 ** 12, 2 ** 53 - 1];
      await run.append([created, assigned(1, 0), declared(['tokens']), sparse(steps, 1, (s) => s / 2)]);
      const startedAt = performance.now();
      const whole = await store.range({ runId, ...everything, smoothing: 0.5 });
      expect(performance.now() - startedAt).toBeLessThan(1000);
      expect(named(whole, 'tokens')).toMatchObject({ bucketSteps: 1, rows: Int32Array.of(1, 1, 1, 1, 1) });
      expect([...named(whole, 'tokens').steps]).toEqual(steps);
      expect(whole.headStep).toBe(2 ** 53 - 1);
      const two = await store.range({ runId, series: null, fromStep: -7, toStep: 10 ** 12 + 1, buckets: 2 });
      // three rows, two buckets: from -7 to 10^12 the least power of two is 2^40
      expect(named(two, 'tokens')).toMatchObject({ bucketSteps: 2 ** 40, rows: Int32Array.of(1, 2) });
      const rest = await store.rows({ runId, stream: 'steps', fromStep: 1, toStep: null, limit: 1 });
      expect(rest).toMatchObject({ steps: Float64Array.of(10 ** 12), values: Float64Array.of(5e11), more: true });
    }),
  );

  it(
    '[S17] streams have steps of their own: a series logged now and then is absent between, and NaN stays a value',
    withStore(async (store, runId) => {
      const run = writer(store, runId);
      await run.append([created, assigned(1, 0), declared(['loss']), declared(['val/loss', 'bleu'], 'val')]);
      for (let step = 0; step < 1000; step += 100)
        await run.append([
          rows(step, 100, 1, (s) => s),
          sparse([step + 99], 2, (s, c) => (c === 0 ? Number.NaN : s), 'val', [5_000 + step]),
        ]);
      const r = await store.range({ runId, series: ['bleu', 'loss', 'val/loss'], fromStep: 150, toStep: 500, buckets: 4000 });
      expect(r.series.map((s) => [s.name, s.stream, s.steps.length])).toEqual([
        ['bleu', 'val', 4],
        ['loss', 'steps', 350],
        ['val/loss', 'val', 4],
      ]);
      expect([...named(r, 'bleu').steps]).toEqual([199, 299, 399, 499]);
      expect([...named(r, 'bleu').times!]).toEqual([5100, 5200, 5300, 5400]);
      expect([...named(r, 'val/loss').nonFinite]).toEqual([1, 1, 1, 1]);
      expect(await store.streams(runId)).toEqual([
        { name: 'steps', columns: [{ name: 'loss' }], rows: 1000, lastStep: 999 },
        { name: 'val', columns: [{ name: 'val/loss' }, { name: 'bleu' }], rows: 10, lastStep: 999 },
      ]);
      expect(await store.series({ runId, search: 'LOSS', skip: 1, limit: 5 })).toEqual({
        series: [{ name: 'val/loss', stream: 'val', index: 0, latest: { step: 999, at: 5900, value: Number.NaN } }],
        total: 2,
      });
      expect((await store.series({ runId, search: null, names: ['bleu'], skip: 0, limit: 5 })).series).toEqual([
        { name: 'bleu', stream: 'val', index: 1, latest: { step: 999, at: 5900, value: 999 } },
      ]);
    }),
  );

  it(
    '[S19] names are data: __proto__, constructor, step, timeMs, emoji and right-to-left words are streams and series like any other',
    withStore(async (store, runId) => {
      const run = writer(store, runId);
      const names = [
        '__proto__',
        'constructor',
        'toString',
        'step',
        'timeMs',
        '\u{1F680}/\u{1F4C9}',
        '\u05E9\u05DC\u05D5\u05DD',
        'x'.repeat(512),
      ];
      await run.append([created, assigned(1, 0), ...names.map((name) => declared([name], name))]);
      for (let i = 0; i < 3; i++) await run.append(names.map((name, k) => sparse([i * 10], 1, (s) => s + k, name)));
      const r = await store.range({ runId, ...everything });
      expect(r.series.map((s) => [s.name, [...s.last]])).toEqual(names.map((name, k) => [name, [k, 10 + k, 20 + k]]));
      expect((await store.streams(runId)).map((s) => s.name)).toEqual(names);
      expect(await store.entries({ runId, ...all })).toEqual(run.log);
    }),
  );

  it(
    '[S15] a moving average at the end of every bucket is that of all raw values up to there, whatever the zoom, and goes on where rows are added or taken back',
    withStore(async (store, runId) => {
      const seed = 20_261_125;
      let h = seed;
      const value = () => {
        h = (Math.imul(h, 1664525) + 1013904223) >>> 0;
        if (h % 97 === 0) return Number.NaN;
        if (h % 101 === 0) return Number.POSITIVE_INFINITY;
        return h / 2 ** 32 + (h % 89 === 0 ? 1e9 : 0);
      };
      // A branch: its first row is at step 3000, and steps before 9000 are missing.
      const values = new Map<number, number>();
      const from = (step: number, count: number): RunEvent => {
        for (const s of values.keys()) if (s >= step) values.delete(s);
        for (let s = step; s < step + count; s++) values.set(s, value());
        return rows(step, count, 2, (s, c) => (c === 0 ? values.get(s)! : -values.get(s)!));
      };
      const run = writer(store, runId);
      await run.append([created, assigned(1, 3000), declared()]);

      // The oracle: one plain loop over every raw value.
      const agrees = async (weight: number, fromStep: number, toStep: number | null, buckets: number) => {
        const answer = await store.range({ runId, series: null, fromStep, toStep, buckets, smoothing: weight });
        const end = Math.min(toStep ?? answer.headStep, answer.headStep);
        const loss = named(answer, 'loss');
        const expected: number[] = Array(loss.steps.length).fill(Number.NaN);
        let [s, n] = [0, 0];
        let bucket = 0;
        for (const step of [...values.keys()].sort((a, b) => a - b)) {
          if (step >= end) break;
          const v = values.get(step)!;
          if (!Number.isFinite(v)) continue;
          s = weight * s + (1 - weight) * v;
          n++;
          if (step < fromStep) continue;
          while (loss.lastSteps[bucket]! < step) bucket++;
          expected[bucket] = s / (1 - weight ** n);
        }
        const where = `seed ${seed}, weight ${weight}, steps ${fromStep} to ${toStep}, ${buckets} buckets`;
        expect([...loss.ema!], where).toEqual(expected);
        expect(loss.emaEnd, where).toEqual({ value: s, seen: n });
        expect([...named(answer, 'gradNorm').ema!], where).toEqual(expected.map((e) => -e));
      };
      const zooms = async (head: number) => {
        for (const weight of [0, 0.9, 0.9995])
          for (const [a, b, buckets] of [
            [0, null, 300],
            [0, null, 4000],
            [3000, null, 37],
            [3001, 3002, 10],
            [Math.floor(head * 0.4) + 1, Math.floor(head * 0.7), 50],
            [head - 100, head - 3, 4000],
            [head - 1, null, 1],
            [head + 5, null, 10],
            [0, 2000, 10],
          ] as const)
            await agrees(weight, a, b, buckets);
      };
      await run.append([from(3000, 5000)]);
      await zooms(8000);
      await run.append([from(9000, 7), from(9007, 9000)]);
      await zooms(18_007);
      const keepSeq = run.head;
      await run.append([assigned(2, 12_345, keepSeq)]);
      await run.append([from(12_345, 1), from(12_346, 4000)]);
      await zooms(16_346);
      expect(named(await store.range({ runId, ...everything }), 'loss').ema).toBeUndefined();
      await store.remove(runId);
      values.clear();
      const again = writer(store, runId);
      await again.append([created, assigned(1, 0), declared(), from(0, 3000)]);
      await agrees(0.9, 0, null, 10);
    }),
  );
}
