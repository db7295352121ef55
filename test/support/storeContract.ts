import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Append, FencedError, StaleHeadError, type Store } from '~/server/store';
import { CompleteLog } from '~/server/store/completeLog';
import type { Entry, RunEvent } from '~/shared/events';
import { seqCount } from '~/shared/events';
import { emptyView, foldAll } from '~/shared/fold';
import type { Actor } from '~/shared/ids';
import type { ListChange } from '~/shared/lists';
import type { ConsoleQuery } from '~/shared/media';
import type { RangeAnswer } from '~/shared/pyramid';
import { withPlainSteps } from '~/shared/series';
import { summarize } from '~/shared/summary';
import type { RunView } from '~/shared/view';
import { publishedSetup } from './setups';

/** The rules of every store, each with an id. Run on the store in memory and on each durable store. */

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
export const declared = (names: readonly string[] = ['loss', 'gradNorm'], stream = 'steps'): RunEvent => ({
  type: 'series',
  stream,
  columns: names.map((name) => ({ name })),
});
/** Rows of `count` consecutive steps: value(step, column). */
export const rows = (
  firstStep: number,
  count: number,
  width: number,
  value: (step: number, column: number) => number,
  stream = 'steps',
): RunEvent => ({
  type: 'rows',
  stream,
  steps: { first: firstStep, count },
  values: Float64Array.from({ length: count * width }, (_, i) => value(firstStep + Math.floor(i / width), i % width)),
});
/** Rows of the given steps. */
export const sparse = (
  steps: readonly number[],
  width: number,
  value: (step: number, column: number) => number,
  stream = 'steps',
  times?: readonly number[],
): RunEvent =>
  withPlainSteps({
    type: 'rows',
    stream,
    steps: Float64Array.from(steps),
    ...(times && { times: Float64Array.from(times) }),
    values: Float64Array.from({ length: steps.length * width }, (_, i) => value(steps[Math.floor(i / width)]!, i % width)),
  });

/**
 * Appends to one run as the hub does; tracks head, attempt and the written entries.
 *
 * @param whole true: entries get the fields that the server adds, and the lists are kept; false: entries stay as given
 */
export function writer(store: Store, runId: string, whole = false) {
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
        rewind,
      });
      self.head = seq - 1;
      log.push(...entries);
      return entries;
    },
  };
  return self;
}

/** A series of an answer. @throws when the answer has no series of that name */
export function named(answer: RangeAnswer, name: string): RangeAnswer['series'][number] {
  const found = answer.series.find((s) => s.name === name);
  if (!found) throw new Error(`the answer has no series ${name}; it has ${answer.series.map((s) => s.name).join(', ')}`);
  return found;
}

const everything = { fromStep: Number.MIN_SAFE_INTEGER, toStep: null, series: null, buckets: 4000 };
const all = { fromSeq: 1, limit: 100_000, types: null };

/** All rules share one store; each uses its own runs. */
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
      await run.append([
        assigned(1, 0),
        declared(),
        rows(0, 3, 2, (s, c) => odd[s * 2 + c]!),
        status(3, 'a "quoted" \u{1F600} word'),
      ]);
      await run.append([
        rows(3, 5000, 2, (s, c) => s + c / 7),
        rows(5003, 1, 2, () => 1),
        snapshot(5004, { entropy: [Number.NaN, 1] }),
        declared(['tokens/loss'], 'sparse'),
        sparse([-5, 0, 3, 10 ** 12, 2 ** 53 - 1], 1, (s) => s / 3, 'sparse'),
        sparse([5004, 6000], 2, (s, c) => s + c, 'steps', [1_700_000_000_123.5, 1_700_000_000_200]),
      ]);
      expect(await store.entries({ runId, ...all })).toEqual(run.log);
    }),
  );

  it(
    '[S2] entries overlapping a place are given whole, in order, limited, and by type',
    withStore(async (store, runId) => {
      const run = writer(store, runId);
      await run.append([
        created,
        assigned(1, 0),
        declared(),
        rows(0, 10, 2, (s) => s),
        status(10),
        rows(10, 4, 2, (s) => s),
        status(14),
      ]);
      const seqs = async (fromSeq: number, limit: number, types: RunEvent['type'][] | null) =>
        (await store.entries({ runId, fromSeq, limit, types })).map((e) => e.seq);
      // seqs: created 1, assigned 2, series 3, rows 4..13, status 14, rows 15..18, status 19
      expect(await seqs(1, 100, null)).toEqual([1, 2, 3, 4, 14, 15, 19]);
      expect(await seqs(8, 2, null)).toEqual([4, 14]);
      expect(await seqs(14, 100, null)).toEqual([14, 15, 19]);
      expect(await seqs(5, 100, ['status'])).toEqual([14, 19]);
      expect(await seqs(16, 100, ['rows', 'run.created'])).toEqual([15]);
      expect(await seqs(20, 100, null)).toEqual([]);
      expect(await seqs(1, 100, [])).toEqual([]);
      expect(await store.entries({ runId: 'nosuch', ...all })).toEqual([]);
    }),
  );

  it(
    '[S3] an older attempt is fenced, a wrong head is refused, both with the numbers, and nothing of the write stays',
    withStore(async (store, runId) => {
      const run = writer(store, runId);
      await run.append([created, assigned(2, 0)]);
      const write = { runId, after: 2, nextEvent: 3, rewind: null };
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
      await run.append([created, assigned(1, 0), declared(), rows(0, 4, 2, (s) => s)]);
      const write = { runId, after: 7, attempt: 1, nextEvent: 7, rewind: null };
      const at = (seq: number, event: RunEvent): Entry => ({ seq, attempt: 1, at: 1, event });
      const refused = (change: Partial<Append>) => expect(store.append({ ...write, entries: [], ...change })).rejects;
      await refused({ entries: [at(8, status(4)), at(10, status(4))] }).toThrow(
        `run ${runId}: expected an entry at 9, got status at 10`,
      );
      const zeros = (...args: [first: number, count: number, width: number, stream?: string]) =>
        rows(args[0], args[1], args[2], () => 0, args[3]);
      await refused({ entries: [at(8, zeros(4, 2, 3))] }).toThrow('rows at 8: values: 2 rows of 2 series need 4 numbers, got 6');
      await refused({ entries: [at(8, zeros(3, 1, 2))] }).toThrow(
        `run ${runId}: rows at 8: steps: the first row's step must be above 3, got 3; to go back, send rewind first`,
      );
      await refused({ entries: [at(8, zeros(4, 1, 2)), at(9, zeros(4, 1, 2))] }).toThrow('must be above 4, got 4');
      await refused({ entries: [at(8, zeros(4, 1, 2, 'other'))] }).toThrow('rows at 8: stream: "other" was not declared');
      await refused({ entries: [at(8, declared(['loss']))] }).toThrow('stream "steps" was declared with loss, gradNorm');
      await refused({ entries: [at(8, declared(['loss'], 'other'))] }).toThrow('series "loss" belongs to stream "steps" already');
      await refused({ entries: [at(8, declared(['a', 'a'], 'other'))] }).toThrow('columns: "a" stands twice');
      await refused({ rewind: { fromStep: 1, keepSeq: 2 } }).toThrow(
        `run ${runId}: a rewind to step 1 needs a run.assigned entry`,
      );
      expect(await store.entries({ runId, ...all })).toEqual(run.log);
    }),
  );

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
      const write = { runId, after: run.log.at(-1)!.seq + 1, attempt: 1, nextEvent: 20, rewind: null };
      const other = again([{ name: 'loss', role: 'accuracy' }, { name: 'gradNorm' }]);
      await expect(
        store.append({ ...write, entries: [{ seq: write.after + 1, attempt: 1, at: 1, event: other }] }),
      ).rejects.toThrow('stream "steps" was declared with loss, gradNorm');
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
      await run.append([assigned(2, 50)], { fromStep: 50, keepSeq: 104 });
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
      await run.append([created, assigned(1, 3000), declared()], { fromStep: 3000, keepSeq: 0 });
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
      expect(whole.headStep).toBe(2 ** 53);
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
    '[S18] a rewind of the trainer takes back the rows at and after its step in every stream, and other events of those steps; the log keeps all',
    withStore(async (store, runId) => {
      const run = writer(store, runId);
      await run.append([created, assigned(1, 0), declared(['loss']), declared(['bleu'], 'val')]);
      await run.append([
        rows(0, 3000, 1, (s) => s),
        sparse([10, 1000, 2999], 1, (s) => s, 'val'),
        snapshot(2000, { entropy: [1, 2] }),
      ]);
      await run.append([{ type: 'rewind', step: 1000 }]);
      const back = await store.range({ runId, ...everything });
      expect([back.headStep, back.series.map((s) => s.lastSteps.at(-1))]).toEqual([1000, [999, 10]]);
      expect((await store.signals(runId)).steps.length).toBe(0);
      await run.append([rows(1000, 10, 1, (s) => -s), sparse([1005], 1, (s) => -s, 'val')]);
      const on = await store.range({ runId, ...everything });
      expect([on.headStep, on.series.map((s) => s.last.at(-1))]).toEqual([1010, [-1009, -1005]]);
      expect(await store.entries({ runId, ...all })).toEqual(run.log);
      // A rewind to before the very first row.
      await run.append([{ type: 'rewind', step: -5 }, sparse([-3, 4], 1, (s) => s)]);
      const anew = await store.range({ runId, ...everything });
      expect([[...named(anew, 'loss').steps], [...named(anew, 'bleu').steps]]).toEqual([[-3, 4], []]);
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
      await run.append([created, assigned(1, 3000), declared()], { fromStep: 3000, keepSeq: 0 });

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
      await run.append([assigned(2, 12_345)], { fromStep: 12_345, keepSeq });
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

  it(
    '[S9] a saved view is the newest one, and the list of runs carries its summary',
    withStore(async (store, runId) => {
      const run = writer(store, runId);
      await run.append([created, status(0)]);
      const early = foldAll(runId, run.log.slice(0, 1));
      const late: RunView = {
        ...foldAll(runId, run.log),
        streams: [
          { name: 's', width: 2, columns: [], at: null, latest: { step: 1, at: 2, values: Float64Array.of(Number.NaN, 1) } },
        ],
      };
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
      await Promise.all(runs.map((r) => r.append([created, assigned(1, 0), declared()])));
      const stale = store.append({
        runId: 'many100',
        after: 99,
        attempt: 1,
        nextEvent: 0,
        entries: [],
        rewind: null,
      });
      const writes = runs.map(async (r) => {
        for (let s = 0; s < 1500; s += 300) await r.append([rows(s, 300, 2, (step, c) => step * (c + 1))]);
      });
      await expect(stale).rejects.toThrow(new StaleHeadError('many100', 99, 3));
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
      await other.append([created, assigned(1, 0), declared(), rows(0, 3000, 2, (s) => s)]);
      const run = writer(store, runId);
      await run.append([created, assigned(1, 0), declared(), rows(0, 9000, 2, (s) => s), snapshot(9000, { entropy: [1, 2] })]);
      await store.saveView(foldAll(runId, run.log.slice(0, 1)), summarize(foldAll(runId, run.log.slice(0, 1)), 0));
      await store.remove(runId);
      await store.remove(runId);
      expect([await known(runId), await store.entries({ runId, ...all }), await store.view(runId)]).toEqual([[], [], null]);
      const again = writer(store, runId);
      await again.append([created, assigned(1, 0), declared(['loss']), rows(0, 2, 1, () => 7)]);
      expect(await store.entries({ runId, ...all })).toEqual(again.log);
      expect(named(await store.range({ runId, ...everything }), 'loss').rows).toEqual(Int32Array.of(1, 1));
      expect(await store.entries({ runId: `${runId}other`, ...all })).toEqual(other.log);
    }),
  );

  it(
    '[S12] what was handed over may be changed afterwards, and so may an answer',
    withStore(async (store, runId) => {
      const run = writer(store, runId);
      const event = rows(0, 2, 2, () => 1) as Extract<RunEvent, { type: 'rows' }>;
      const done = run.append([created, assigned(1, 0), declared(), event]);
      event.values.fill(9);
      await done;
      const first = await store.entries({ runId, ...all });
      (first[3]!.event as typeof event).values.fill(8);
      expect((await store.entries({ runId, ...all }))[3]).toMatchObject({
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
      // A part of 2^14 letters counts as 2^14 + 32 bytes: 127 of them fit into 2^21 bytes, 128 do not.
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
