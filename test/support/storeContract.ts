import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Append, FencedError, StaleHeadError, type Store } from '~/server/store';
import { CompleteLog } from '~/server/store/completeLog';
import type { ConsoleQuery } from '~/server/store/console';
import type { Entry, RunEvent } from '~/shared/events';
import { seqCount } from '~/shared/events';
import { emptyView, foldAll } from '~/shared/fold';
import type { Actor } from '~/shared/ids';
import type { ListChange } from '~/shared/lists';
import { summarize } from '~/shared/summary';
import type { RunView } from '~/shared/view';
import { publishedSetup } from './setups';

/** What every store promises, each rule with an id. Run on the store in memory and on each durable one. */

export const ada: Actor = { id: 'u1', name: 'Ada', role: 'operator' };
export const created: RunEvent = { type: 'run.created', setup: publishedSetup('reverse'), actor: ada, parent: null };
export const assigned = (attempt: number, fromStep: number): RunEvent => ({
  type: 'run.assigned',
  attempt,
  trainer: { id: 'trainer1', name: 'gpu', host: 'h' },
  fromStep,
  checkpoint: null,
});
export const status = (step: number, message = ''): RunEvent => ({ type: 'status', status: 'running', step, message });
export const snapshot = (step: number, signals: Record<string, number[]>, heads = 2): RunEvent => ({
  type: 'snapshot',
  step,
  blob: { hash: 'a'.repeat(64), bytes: 1 },
  trigger: 'cadence',
  commandId: null,
  layers: [{ name: 'layer 1', heads, queries: 2, keys: 2 }],
  examples: 1,
  signals: Object.entries(signals).map(([name, values]) => ({ name, values })),
});
/** Rows of `count` steps: value(step, column). */
export const rows = (
  firstStep: number,
  count: number,
  width: number,
  value: (step: number, column: number) => number,
): RunEvent => ({
  type: 'steps',
  firstStep,
  count,
  values: Float64Array.from({ length: count * width }, (_, i) => value(firstStep + Math.floor(i / width), i % width)),
});

/**
 * Appends to one run as the hub does: keeps head, attempt and the entries it wrote.
 *
 * @param whole the entries get what the server writes into them, and the lists are kept; else they stay as given
 */
export function writer(store: Store, runId: string, seriesNames: string[] = ['loss', 'gradNorm'], whole = false) {
  const log: Entry[] = [];
  const complete = new CompleteLog();
  let view: RunView | null = null;
  const self = {
    log,
    head: 0,
    attempt: 0,
    at: 1_000,
    async append(events: RunEvent[], rewind: Append['rewind'] = null): Promise<Entry[]> {
      let seq = self.head + 1;
      const changes: ListChange[] = [];
      const entries = events.map((event) => {
        if (event.type === 'run.assigned') self.attempt = event.attempt;
        const sent: Entry = { seq, attempt: self.attempt, at: self.at++, event };
        seq += seqCount(event);
        if (!whole) return sent;
        const entry = view ? complete.complete(view, sent) : sent;
        const folded = view ? complete.add(view, entry) : { view: emptyView(runId, entry), changes: [] };
        view = folded.view;
        changes.push(...folded.changes);
        return entry;
      });
      await store.append({
        runId,
        after: self.head,
        attempt: self.attempt,
        nextEvent: seq - 1,
        entries,
        changes,
        seriesNames,
        rewind,
      });
      self.head = seq - 1;
      log.push(...entries);
      return entries;
    },
  };
  return self;
}

const everything = { fromStep: 0, toStep: null, series: null, buckets: 4000 };
const all = { fromSeq: 1, limit: 100_000, types: null };

/** One store serves all rules; each works on runs of its own. */
export function storeContract(open: () => Promise<Store>): void {
  let store: Store;
  let tests = 0;
  beforeAll(async () => {
    store = await open();
  });
  afterAll(() => store.close());
  const withStore = (test: (store: Store, runId: string) => Promise<void>) => () => test(store, `run${100 + tests++}`);
  const known = async (runId: string) => (await store.runs()).filter((r) => r.runId === runId);

  it(
    '[S1] entries come back as they were appended: seq, attempt, time, every value, NaN and infinities included',
    withStore(async (store, runId) => {
      const run = writer(store, runId);
      const odd = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, -0, 1 / 3, 5e-324];
      await run.append([created]);
      await run.append([assigned(1, 0), rows(0, 3, 2, (s, c) => odd[s * 2 + c]!), status(3, 'a "quoted" \u{1F600} word')]);
      await run.append([
        rows(3, 5000, 2, (s, c) => s + c / 7),
        rows(5003, 1, 2, () => 1),
        snapshot(5004, { entropy: [Number.NaN, 1] }),
      ]);
      expect(await store.entries({ runId, ...all })).toEqual(run.log);
    }),
  );

  it(
    '[S2] entries overlapping a place are given whole, in order, limited, and by type',
    withStore(async (store, runId) => {
      const run = writer(store, runId);
      await run.append([created, assigned(1, 0), rows(0, 10, 2, (s) => s), status(10), rows(10, 4, 2, (s) => s), status(14)]);
      const seqs = async (fromSeq: number, limit: number, types: RunEvent['type'][] | null) =>
        (await store.entries({ runId, fromSeq, limit, types })).map((e) => e.seq);
      // places: created 1, assigned 2, steps 3..12, status 13, steps 14..17, status 18
      expect(await seqs(1, 100, null)).toEqual([1, 2, 3, 13, 14, 18]);
      expect(await seqs(7, 2, null)).toEqual([3, 13]);
      expect(await seqs(13, 100, null)).toEqual([13, 14, 18]);
      expect(await seqs(4, 100, ['status'])).toEqual([13, 18]);
      expect(await seqs(15, 100, ['steps', 'run.created'])).toEqual([14]);
      expect(await seqs(19, 100, null)).toEqual([]);
      expect(await seqs(1, 100, [])).toEqual([]);
      expect(await store.entries({ runId: 'nosuch', ...all })).toEqual([]);
    }),
  );

  it(
    '[S3] an older attempt is fenced, a wrong head is refused, both with the numbers, and nothing of the write stays',
    withStore(async (store, runId) => {
      const run = writer(store, runId);
      await run.append([created, assigned(2, 0)]);
      const write = { runId, after: 2, nextEvent: 3, seriesNames: [], rewind: null };
      const entries: Entry[] = [{ seq: 3, attempt: 1, at: 5, event: status(0) }];
      await expect(store.append({ ...write, attempt: 1, entries })).rejects.toThrow(new FencedError(runId, 1, 2));
      await expect(store.append({ ...write, after: 1, attempt: 2, entries })).rejects.toThrow(new StaleHeadError(runId, 1, 2));
      await expect(store.append({ ...write, after: 3, attempt: 2, entries })).rejects.toThrow(new StaleHeadError(runId, 3, 2));
      await expect(store.append({ ...write, runId: 'other1', attempt: 2, entries })).rejects.toThrow(
        new StaleHeadError('other1', 2, 0),
      );
      expect(await store.append({ ...write, attempt: 1, entries }).catch((e) => e instanceof FencedError)).toBe(true);
      expect(await store.entries({ runId, ...all })).toEqual(run.log);
      expect(await known(runId)).toEqual([{ runId, head: 2, attempt: 2, nextEvent: 2, summary: null }]);
    }),
  );

  it(
    '[S4] entries that do not fit together are refused whole, with what was expected',
    withStore(async (store, runId) => {
      const run = writer(store, runId);
      await run.append([created, assigned(1, 0), rows(0, 4, 2, (s) => s)]);
      const write = { runId, after: 6, attempt: 1, nextEvent: 6, seriesNames: ['loss', 'gradNorm'], rewind: null };
      const at = (seq: number, event: RunEvent): Entry => ({ seq, attempt: 1, at: 1, event });
      const refused = (change: Partial<Append>) => expect(store.append({ ...write, entries: [], ...change })).rejects;
      await refused({ entries: [at(7, status(4)), at(9, status(4))] }).toThrow(
        `run ${runId}: expected an entry at 8, got status at 9`,
      );
      await refused({
        entries: [
          at(
            7,
            rows(4, 2, 3, () => 0),
          ),
        ],
      }).toThrow(`run ${runId}: 2 step rows of 2 series are 4 values, got 6`);
      await refused({
        entries: [
          at(
            7,
            rows(3, 1, 2, () => 0),
          ),
        ],
      }).toThrow(`run ${runId}: step rows begin at 3, the next step is 4`);
      await refused({ seriesNames: ['loss'] }).toThrow(`run ${runId}: its step rows hold [loss, gradNorm], not [loss]`);
      await refused({ rewind: { fromStep: 1, keepSeq: 2 } }).toThrow(
        `run ${runId}: a rewind to step 1 needs a run.assigned entry`,
      );
      expect(await store.entries({ runId, ...all })).toEqual(run.log);
    }),
  );

  it(
    '[S5] after a rewind the rows of the later attempt are in force, the superseded ones stay in the log',
    withStore(async (store, runId) => {
      const run = writer(store, runId);
      await run.append([
        created,
        assigned(1, 0),
        rows(0, 100, 2, (s) => s),
        snapshot(50, { entropy: [1, 2] }),
        snapshot(60, { entropy: [3, 4] }),
      ]);
      await run.append([assigned(2, 50)], { fromStep: 50, keepSeq: 103 });
      const before = await store.range({ runId, ...everything });
      expect([before.headStep, before.count]).toEqual([50, 50]);
      // The model has another head since.
      await run.append([rows(50, 10, 2, (s) => -s), snapshot(60, { entropy: [5, 6, 7] }, 3)]);
      const { headStep, series } = await store.range({ runId, ...everything });
      expect(headStep).toBe(60);
      expect([...series.loss!.last]).toEqual(Array.from({ length: 60 }, (_, s) => (s < 50 ? s : -s)));
      expect(await store.entries({ runId, ...all })).toEqual(run.log);
      // the snapshot of step 50 was part of the checkpoint's step (place 103 = keepSeq), that of step 60 was not
      expect(await store.signals(runId)).toEqual({
        steps: Float64Array.of(50, 60),
        seqs: Float64Array.of(103, 116),
        shapes: [2, 3].map((heads) => [{ name: 'layer 1', heads, queries: 2, keys: 2 }]),
        shape: Int32Array.of(0, 1),
        signals: [{ name: 'entropy', values: Float64Array.of(1, 2, 5, 6, 7) }],
      });
    }),
  );

  it(
    '[S6] a range holds each row of fromStep..toStep once, in buckets of a power of two on a fixed grid; a spike survives',
    withStore(async (store, runId) => {
      const run = writer(store, runId);
      await run.append([created, assigned(1, 0)]);
      await run.append([rows(0, 10_000, 2, (s, c) => (c === 0 ? s : s === 7_777 ? 1e6 : s === 7_778 ? Number.NaN : 0))]);
      const r = await store.range({ runId, series: null, fromStep: 3, toStep: 9_990, buckets: 10 });
      // 9,987 steps in at most 10 buckets: 1,024 steps each, from 0
      expect([r.firstStep, r.bucketSteps, r.count, r.headStep]).toEqual([0, 1024, 10, 10_000]);
      expect([...r.rows]).toEqual([1021, ...Array(8).fill(1024), 9990 - 9216]);
      expect([...r.series.loss!.min]).toEqual([3, 1024, 2048, 3072, 4096, 5120, 6144, 7168, 8192, 9216]);
      expect([...r.series.loss!.max]).toEqual([1023, 2047, 3071, 4095, 5119, 6143, 7167, 8191, 9215, 9989]);
      expect([...r.series.gradNorm!.max]).toEqual([0, 0, 0, 0, 0, 0, 0, 1e6, 0, 0]);
      expect([...r.series.gradNorm!.nonFinite]).toEqual([0, 0, 0, 0, 0, 0, 0, 1, 0, 0]);
      expect([...r.series.gradNorm!.sum]).toEqual([0, 0, 0, 0, 0, 0, 0, 1e6, 0, 0]);
      const one = await store.range({
        runId,
        series: ['gradNorm', 'nosuch'],
        fromStep: 7_776,
        toStep: 7_780,
        buckets: 100,
      });
      expect([one.bucketSteps, Object.keys(one.series), [...one.series.gradNorm!.last]]).toEqual([
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
      const empty = { firstStep: 0, bucketSteps: 1, count: 0, rows: new Int32Array(0), series: {}, headStep: 0 };
      expect(await store.range({ runId: 'nosuch', ...everything })).toEqual(empty);
      expect(await store.range({ runId, series: null, fromStep: 0, toStep: null, buckets: 10 })).toMatchObject({
        count: 0,
        headStep: 0,
      });
      expect(await store.signals('nosuch')).toEqual({
        steps: new Float64Array(0),
        seqs: new Float64Array(0),
        shapes: [],
        shape: new Int32Array(0),
        signals: [],
      });
      expect(await store.view('nosuch')).toBeNull();
      await run.append([assigned(1, 0), rows(0, 5, 2, (s) => s)]);
      expect(await store.range({ runId, series: null, fromStep: 5, toStep: 9, buckets: 10 })).toMatchObject({
        count: 0,
        headStep: 5,
      });
    }),
  );

  it(
    '[S8] steps may be missing (a branch begins late): such buckets have no rows',
    withStore(async (store, runId) => {
      const run = writer(store, runId);
      await run.append([created, assigned(1, 3000)], { fromStep: 3000, keepSeq: 0 });
      expect((await store.range({ runId, ...everything })).headStep).toBe(3000);
      await run.append([rows(3000, 2000, 2, (s) => s), rows(9000, 1, 2, (s) => s)]);
      const r = await store.range({ runId, series: ['loss'], fromStep: 0, toStep: null, buckets: 10 });
      expect([r.bucketSteps, [...r.rows], r.headStep]).toEqual([1024, [0, 0, 72, 1024, 904, 0, 0, 0, 1], 9001]);
      expect([...r.series.loss!.last]).toEqual([
        Number.NaN,
        Number.NaN,
        3071,
        4095,
        4999,
        Number.NaN,
        Number.NaN,
        Number.NaN,
        9000,
      ]);
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
      // A branch: its first row is that of step 3000, and steps are missing before 9000.
      const values = new Map<number, number>();
      const from = (step: number, count: number): RunEvent => {
        for (const s of values.keys()) if (s >= step) values.delete(s);
        for (let s = step; s < step + count; s++) values.set(s, value());
        return rows(step, count, 2, (s, c) => (c === 0 ? values.get(s)! : -values.get(s)!));
      };
      const run = writer(store, runId);
      await run.append([created, assigned(1, 3000)], { fromStep: 3000, keepSeq: 0 });

      // The oracle: one plain loop over every raw value.
      const agrees = async (weight: number, fromStep: number, toStep: number | null, buckets: number) => {
        const answer = await store.range({ runId, series: null, fromStep, toStep, buckets, smoothing: weight });
        const end = Math.min(toStep ?? answer.headStep, answer.headStep);
        const expected: number[] = Array(answer.count).fill(Number.NaN);
        let [s, n] = [0, 0];
        for (let step = 0; step < end; step++) {
          const v = values.get(step) ?? Number.NaN;
          if (!Number.isFinite(v)) continue;
          s = weight * s + (1 - weight) * v;
          n++;
          if (step >= fromStep) expected[Math.floor((step - answer.firstStep) / answer.bucketSteps)] = s / (1 - weight ** n);
        }
        const named = `seed ${seed}, weight ${weight}, steps ${fromStep} to ${toStep}, ${buckets} buckets`;
        expect([...answer.series.loss!.ema!], named).toEqual(expected);
        expect(answer.series.loss!.emaEnd, named).toEqual({ value: s, seen: n });
        expect([...answer.series.gradNorm!.ema!], named).toEqual(expected.map((e) => -e));
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
      await run.append([assigned(2, 12_345)], { fromStep: 12_345, keepSeq });
      await run.append([from(12_345, 1), from(12_346, 4000)]);
      await zooms(16_346);
      expect((await store.range({ runId, ...everything })).series.loss!.ema).toBeUndefined();
      await store.remove(runId);
      values.clear();
      const again = writer(store, runId);
      await again.append([created, assigned(1, 0), from(0, 3000)]);
      await agrees(0.9, 0, null, 10);
    }),
  );

  it(
    '[S9] a saved view is the newest one, and the list of runs carries its summary',
    withStore(async (store, runId) => {
      const run = writer(store, runId);
      await run.append([created, status(0)]);
      const early = foldAll(runId, run.log.slice(0, 1));
      const late: RunView = { ...foldAll(runId, run.log), latest: Float64Array.of(Number.NaN, 1) };
      await store.saveView(late, summarize(late, 0));
      await store.saveView(early, summarize(early, 0));
      expect(await store.view(runId)).toEqual(late);
      expect(await known(runId)).toEqual([
        { runId, head: 2, attempt: 0, nextEvent: 2, summary: { seq: 2, summary: summarize(late, 0) } },
      ]);
      await expect(store.saveView({ ...late, runId: 'nosuch' }, summarize(late, 0))).rejects.toThrow(
        'run nosuch: there is no log for this view',
      );
    }),
  );

  it(
    '[S10] settings and small blobs are kept; a setting can change, a blob cannot',
    withStore(async (store) => {
      expect([await store.setting('a'), await store.smallBlob('b')]).toEqual([null, null]);
      await store.setSetting('a', '1');
      await store.setSetting('a', '2');
      await store.putSmallBlob('b', Uint8Array.of(1, 2));
      await store.putSmallBlob('b', Uint8Array.of(3));
      expect([await store.setting('a'), [...(await store.smallBlob('b'))!]]).toEqual(['2', [1, 2]]);
      await store.removeSmallBlob('b');
      expect(await store.smallBlob('b')).toBeNull();
    }),
  );

  it(
    '[S11] appends made at once to many runs are all kept; one that fails takes back only itself',
    withStore(async (store) => {
      const runs = Array.from({ length: 20 }, (_, i) => writer(store, `many${100 + i}`));
      await Promise.all(runs.map((r) => r.append([created, assigned(1, 0)])));
      const stale = store.append({
        runId: 'many100',
        after: 99,
        attempt: 1,
        nextEvent: 0,
        entries: [],
        seriesNames: [],
        rewind: null,
      });
      const writes = runs.map(async (r) => {
        for (let s = 0; s < 1500; s += 300) await r.append([rows(s, 300, 2, (step, c) => step * (c + 1))]);
      });
      await expect(stale).rejects.toThrow(new StaleHeadError('many100', 99, 2));
      await Promise.all(writes);
      for (const [i, r] of runs.entries()) expect(await store.entries({ runId: `many${100 + i}`, ...all })).toEqual(r.log);
    }),
  );

  it(
    '[S14] the runs that name a blob are known, and no longer once removed',
    withStore(async (store, runId) => {
      const hash = 'a'.repeat(64);
      const mine = async () => (await store.blobUsers(hash)).filter((id) => id.startsWith(runId)).sort();
      const run = writer(store, runId);
      const other = writer(store, `${runId}b`);
      await run.append([created, assigned(1, 0), snapshot(0, { entropy: [1, 2] }), snapshot(0, { entropy: [1, 2] })]);
      await other.append([created, assigned(1, 0), snapshot(0, { entropy: [1, 2] })]);
      expect([await mine(), await store.blobUsers('b'.repeat(64))]).toEqual([[runId, `${runId}b`], []]);
      await store.remove(runId);
      expect(await mine()).toEqual([`${runId}b`]);
    }),
  );

  it(
    '[S13] a removed run is gone whole and its name may be used again; others stay',
    withStore(async (store, runId) => {
      const other = writer(store, `${runId}other`);
      await other.append([created, assigned(1, 0), rows(0, 3000, 2, (s) => s)]);
      const run = writer(store, runId);
      await run.append([created, assigned(1, 0), rows(0, 9000, 2, (s) => s), snapshot(9000, { entropy: [1, 2] })]);
      await store.saveView(foldAll(runId, run.log.slice(0, 1)), summarize(foldAll(runId, run.log.slice(0, 1)), 0));
      await store.remove(runId);
      await store.remove(runId);
      expect([await known(runId), await store.entries({ runId, ...all }), await store.view(runId)]).toEqual([[], [], null]);
      const again = writer(store, runId, ['loss']);
      await again.append([created, assigned(1, 0), rows(0, 2, 1, () => 7)]);
      expect(await store.entries({ runId, ...all })).toEqual(again.log);
      expect((await store.range({ runId, ...everything })).rows).toEqual(Int32Array.of(1, 1));
      expect(await store.entries({ runId: `${runId}other`, ...all })).toEqual(other.log);
    }),
  );

  it(
    '[S12] what was handed over may be changed afterwards, and so may an answer',
    withStore(async (store, runId) => {
      const run = writer(store, runId);
      const event = rows(0, 2, 2, () => 1) as Extract<RunEvent, { type: 'steps' }>;
      const done = run.append([created, assigned(1, 0), event]);
      event.values.fill(9);
      await done;
      const first = await store.entries({ runId, ...all });
      (first[2]!.event as typeof event).values.fill(8);
      expect((await store.entries({ runId, ...all }))[2]).toMatchObject({
        event: { values: Float64Array.of(1, 1, 1, 1) },
      });
    }),
  );

  it(
    '[S15] the newest 2 MB of what a run prints are kept and searched; older texts are emptied, their entries stay',
    withStore(async (store, runId) => {
      const print = (text: string, stream: 'out' | 'err' = 'out'): RunEvent => ({ type: 'console', stream, text });
      const run = writer(store, runId);
      await run.append([created, print('Loading DATA'), print('oops', 'err'), status(0), print('step 1')]);
      const ask = (more: Partial<ConsoleQuery> = {}) =>
        store.console({ runId, before: null, after: null, search: '', limit: 10, ...more });
      const seqs = async (more?: Partial<ConsoleQuery>) => {
        const { parts, more: others } = await ask(more);
        return [...parts.map((p) => p.seq), others];
      };
      expect(await ask({ search: 'data' })).toEqual({
        parts: [{ seq: 2, at: 1_001, stream: 'out', text: 'Loading DATA' }],
        more: false,
      });
      expect([await seqs({ limit: 2 }), await seqs({ before: 5 }), await seqs({ after: 2, limit: 1 })]).toEqual([
        [3, 5, true],
        [2, 3, false],
        [3, true],
      ]);
      // Parts of 2^14 letters count 32 bytes more: 127 of them fit into 2^21 bytes, 128 do not.
      const long = (i: number) => print(String(i).padEnd(2 ** 14, '.'));
      await run.append(Array.from({ length: 127 }, (_, i) => long(i)));
      expect((await seqs({ limit: 1000 })).length - 1).toBe(127 + 3);
      await run.append([long(127)]);
      const kept = await ask({ limit: 1000 });
      expect([kept.parts.length, kept.parts[0]!.seq]).toEqual([127, 7]);
      const entries = await store.entries({ runId, ...all });
      expect(entries.map((e) => e.seq)).toEqual(run.log.map((e) => e.seq));
      expect(entries[1]!.event).toEqual(print(''));
      expect(entries.at(-1)).toEqual(run.log.at(-1));
      await store.remove(runId);
      expect(await ask()).toEqual({ parts: [], more: false });
    }),
  );
}
