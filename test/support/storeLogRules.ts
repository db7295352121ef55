import { expect, it } from 'vitest';
import { type Append, FencedError, StaleHeadError } from '~/server/store';
import type { Entry, RunEvent } from '~/shared/events';
import type { WithStore } from './storeEntries';
import {
  all,
  assigned,
  created,
  declared,
  everything,
  known,
  named,
  rows,
  snapshot,
  sparse,
  status,
  writer,
} from './storeEntries';

/** What an append takes, and what is read back of a log. */
export function storeLogRules(withStore: WithStore): void {
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
      const write = { runId, after: 2, nextEvent: 3 };
      const entries: Entry[] = [{ seq: 3, attempt: 1, at: 5, event: status(0) }];
      await expect(store.append({ ...write, attempt: 1, entries })).rejects.toThrow(new FencedError(runId, 1, 2));
      await expect(store.append({ ...write, after: 1, attempt: 2, entries })).rejects.toThrow(new StaleHeadError(runId, 1, 2));
      await expect(store.append({ ...write, after: 3, attempt: 2, entries })).rejects.toThrow(new StaleHeadError(runId, 3, 2));
      await expect(store.append({ ...write, runId: 'other1', attempt: 2, entries })).rejects.toThrow(
        new StaleHeadError('other1', 2, 0),
      );
      expect(await store.append({ ...write, attempt: 1, entries }).catch((e) => e instanceof FencedError)).toBe(true);
      expect(await store.entries({ runId, ...all })).toEqual(run.log);
      expect(await known(store, runId)).toEqual([{ runId, head: 2, attempt: 2, nextEvent: 2, summary: null }]);
    }),
  );

  it(
    '[S4] entries that do not fit together are refused whole, with what was expected',
    withStore(async (store, runId) => {
      const run = writer(store, runId);
      await run.append([created, assigned(1, 0), declared(), rows(0, 4, 2, (s) => s)]);
      const write = { runId, after: 7, attempt: 1, nextEvent: 7 };
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
      expect(await store.entries({ runId, ...all })).toEqual(run.log);
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
      // The server's own, to a checkpoint: of that step, what the checkpoint came after stays.
      await run.append([snapshot(1010, { entropy: [1, 2] }), { type: 'rewind', step: 1010, keepSeq: run.head + 1 }]);
      expect([...(await store.signals(runId)).steps]).toEqual([1010]);
      // A rewind to before the very first row.
      await run.append([{ type: 'rewind', step: -5 }, sparse([-3, 4], 1, (s) => s)]);
      const anew = await store.range({ runId, ...everything });
      expect([[...named(anew, 'loss').steps], [...named(anew, 'bleu').steps]]).toEqual([[-3, 4], []]);
    }),
  );

  it(
    '[S22] a run whose rows lie below step 0 is at the step after its last row',
    withStore(async (store, runId) => {
      const run = writer(store, runId);
      const headAfter = async (...steps: number[]) => {
        await run.append([sparse(steps, 2, (s) => s)]);
        return (await store.range({ runId, ...everything })).headStep;
      };
      await run.append([created, assigned(1, 0), declared()]);
      expect([await headAfter(-9, -5), await headAfter(-3), await headAfter(2)]).toEqual([-4, -2, 3]);
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
}
