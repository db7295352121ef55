import { describe, expect, it } from 'vitest';
import { mainMetric } from '~/shared/evaluations';
import type { Entry } from '~/shared/events';
import { fold } from '~/shared/fold';
import { applyToList } from '~/shared/lists';
import { pack, unpack } from '~/shared/pack';
import { type ListItems, type ListKind, listKinds, type RunView, waits } from '~/shared/view';
import { RandomRun } from '~/test/support/randomRun';
import { foldAll } from '~/test/support/views';

const only = process.env.SEED;
const seeds = only ? [Number(only)] : Array.from({ length: 24 }, (_, i) => i + 1);

function check({ view, naive }: RandomRun): void {
  const { lists } = naive;
  for (const kind of listKinds) {
    const { items, fromSeq } = view.recent[kind];
    expect(items, `recent ${kind}`).toEqual((lists[kind] as { seq: number }[]).filter((i) => i.seq >= fromSeq));
    expect(view.counts[kind].count, `count of ${kind}`).toBe(lists[kind].length);
  }
  expect(view.openCommands).toEqual(lists.commands.filter(waits));
  const { evaluations } = lists;
  expect(view.latestEvaluations).toEqual(
    evaluations.filter((e, i) => evaluations.findLastIndex((l) => l.split === e.split) === i),
  );
  const accuracies = evaluations.flatMap((e) => mainMetric(e)?.value ?? []).filter((value) => !Number.isNaN(value));
  expect((view.best && mainMetric(view.best)?.value) ?? null).toBe(accuracies.length === 0 ? null : Math.max(...accuracies));
  expect(view.lastCheckpoint?.seq ?? null).toBe(lists.checkpoints.at(-1)?.seq ?? null);
  expect(view.pendingRevert?.checkpoint.seq ?? null).toBe(naive.pendingRevert()?.seq ?? null);
  expect(view.openThreads).toBe(lists.notes.filter((n) => n.replyTo === null && !n.resolved).length);
  expect([view.status, view.step]).toEqual([naive.status, naive.step]);
  const changed = naive.changeBefore('clipThreshold', Number.POSITIVE_INFINITY, 0);
  const now = view.values.clipThreshold!;
  expect([now.value, now.changedBy?.id ?? null]).toEqual([changed?.value ?? 5, changed?.changedBy?.id ?? null]);
}

describe('the bounded view', () => {
  it(`says of the lists what the whole lists say, after every few entries (${seeds.length} seeds)`, () => {
    for (const seed of seeds) {
      const run = new RandomRun(seed);
      for (let i = 0; i < 400; i++) {
        run.next();
        if (i % 5 !== 0) continue;
        try {
          check(run);
        } catch (error) {
          throw new Error(`SEED=${seed}, thing ${i}: ${(error as Error).message}`, { cause: error });
        }
      }
    }
  });

  it('late: a view folded from the start, and one that was packed and sent in between, are the same', () => {
    for (const seed of seeds.slice(0, 10)) {
      const run = new RandomRun(seed);
      let sent: RunView | null = null;
      let at = 0;
      for (let i = 0; i < 300; i++) {
        run.next();
        if (i === 150) {
          sent = unpack(pack(run.view)) as RunView;
          at = run.entries.length;
        }
      }
      const whole = foldAll(run.runId, run.entries);
      expect(whole, `seed ${seed}`).toEqual(run.view);
      const later = run.entries.slice(at);
      expect(later.length > 0 ? foldFrom(sent!, later) : sent).toEqual(whole);
    }
  });

  it('stays small however much happens, texts included', () => {
    const run = new RandomRun(7);
    let most = 0;
    for (let i = 0; i < 6000; i++) {
      run.next();
      if (i % 50 === 0) most = Math.max(most, pack(run.view).length);
    }
    expect(run.naive.lists.commands.length).toBeGreaterThan(400);
    expect(most).toBeLessThan(64 * 1024);
  });
});

describe('a loaded list', () => {
  it('that is changed entry by entry is the whole list, from wherever it begins; changes that it has already leave it as it is', () => {
    for (const seed of seeds.slice(0, 20)) {
      const run = new RandomRun(seed);
      for (let i = 0; i < 200; i++) run.next();
      const loaded = Object.fromEntries(listKinds.map((k) => [k, [...run.naive.lists[k]]])) as unknown as {
        [K in ListKind]: ListItems[K][];
      };
      // A page that was read a little later than the page's own view.
      const from = Math.max(0, run.changes.length - 10);
      for (let i = 0; i < 300; i++) run.next();
      for (const changes of run.changes.slice(from))
        for (const change of changes)
          for (const kind of listKinds) loaded[kind] = applyToList(kind, loaded[kind] as never[], change) as never;
      for (const kind of listKinds) expect(loaded[kind], `seed ${seed}: ${kind}`).toEqual(run.naive.lists[kind]);
    }
  });
});

const foldFrom = (view: RunView, entries: Entry[]): RunView => entries.reduce(fold, view);
