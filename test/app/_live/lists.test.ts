import { describe, expect, it } from 'vitest';
import { type ListSource, LoadedLists } from '~/app/_live/loadedLists';
import type { RunState, RunStore } from '~/app/_live/types';
import { listKinds } from '~/shared/view';
import { nobodyWatches } from '~/shared/watching';
import { MemoryLists } from '~/test/support/memoryLists';
import { RandomRun } from '~/test/support/randomRun';

type EntryListener = Parameters<RunStore['onEntries']>[0];

/** A page on a random run: frames bring what happens, and a server holds the lists. Answers come when they are let go. */
class Page {
  readonly run: RandomRun;
  readonly server = new MemoryLists();
  readonly lists: LoadedLists;
  readonly held: (() => void)[] = [];
  #state: RunState;
  #listeners: EntryListener[] = [];
  #notify: (() => void)[] = [];
  #at = 0;

  constructor(seed: number, things: number) {
    this.run = new RandomRun(seed);
    for (let i = 0; i < things; i++) this.run.next();
    this.#serve();
    this.#state = { link: 'live', error: null, view: this.run.view, watchers: nobodyWatches, you: null };
    const later = async <T>(answer: () => T): Promise<T> => {
      // Read when it is asked for; what happens until it arrives is not in it.
      const read = structuredClone(answer());
      await new Promise<void>((resolve) => void this.held.push(resolve));
      return read;
    };
    const source: ListSource = {
      items: (q) => later(() => this.server.list(q)),
      marks: (q) => later(() => this.server.marks(q)),
      near: (q) => later(() => this.server.near(q)),
    };
    const store = {
      runId: this.run.runId,
      get: () => this.#state,
      subscribe: (l: () => void) => {
        this.#notify.push(l);
        return () => {};
      },
      onEntries: (l: EntryListener) => {
        this.#listeners.push(l);
        return () => {};
      },
    } as unknown as RunStore;
    this.lists = new LoadedLists(store, source);
  }

  #serve(): void {
    for (; this.#at < this.run.changes.length; this.#at++) this.server.apply(this.run.changes[this.#at]!);
  }

  happen(things: number): void {
    for (let i = 0; i < things; i++) this.run.next();
    const from = this.#at;
    this.#serve();
    this.#state = { ...this.#state, view: this.run.view };
    for (const l of this.#listeners) l.entries(this.run.entries.slice(from), null, this.run.changes.slice(from).flat());
    for (const n of this.#notify) n();
  }

  /** The connection was gone for long: a whole view comes. */
  reconnect(things: number): void {
    for (let i = 0; i < things; i++) this.run.next();
    this.#serve();
    this.#state = { ...this.#state, view: this.run.view };
    for (const l of this.#listeners) l.reset(this.run.view);
  }

  async answer(): Promise<void> {
    for (const go of this.held.splice(0)) go();
    for (let i = 0; i < 20; i++) await Promise.resolve();
  }

  /** What is loaded is all that is in force from some seq on. */
  check(): void {
    for (const kind of listKinds) {
      const { items, fromSeq, whole } = this.lists.get(kind);
      const all = this.run.naive.lists[kind] as { seq: number }[];
      expect(items, kind).toEqual(all.filter((i) => i.seq >= fromSeq));
      if (whole) expect(items.length, kind).toBe(all.length);
      const sample = this.lists.sample(kind) as { seq: number }[];
      expect(sample, kind).toEqual(all.filter((i) => sample.some((s) => s.seq === i.seq)));
    }
  }
}

describe('the lists that a page has loaded', () => {
  it('the items around a step are read only where they are not loaded: following the newest step asks for nothing', async () => {
    const page = new Page(0, 1500);
    const { items, whole } = page.lists.get('snapshots');
    expect(whole).toBe(false);
    const asks = (step: number) => {
      void page.lists.wantNear('snapshots', step);
      return page.held.length;
    };
    const { step } = items[0]!;
    expect([asks(page.run.view.step), asks(items.at(-1)!.step), asks(step), asks(step - 1)]).toEqual([0, 0, 0, 1]);
    await page.answer();
    page.check();
  });

  it('hold each item once when a whole view comes while an older page is under way', async () => {
    const page = new Page(3, 3000);
    const kind = listKinds.reduce((a, b) => (page.run.view.counts[a].count > page.run.view.counts[b].count ? a : b));
    void page.lists.want(kind, 400);
    page.reconnect(1);
    // The answer of before, and then, one after the other, those that were asked for since.
    while (page.held.length > 0) {
      page.held.shift()!();
      for (let i = 0; i < 20; i++) await Promise.resolve();
      page.check();
    }
    expect(page.lists.get(kind).items.length).toBeGreaterThanOrEqual(400);
  });

  it('hold all that is in force from some seq on, whatever happens while older pages and samples are under way (20 seeds)', async () => {
    for (let seed = 1; seed <= 20; seed++) {
      const page = new Page(seed, 500);
      page.check();
      for (let turn = 0; turn < 12; turn++) {
        if (turn % 3 === 0) for (const kind of listKinds) void page.lists.older(kind);
        if (turn % 4 === 1) void page.lists.wantSamples(listKinds);
        if (turn % 5 === 2) void page.lists.wantNear('snapshots', page.run.below(page.run.view.step + 1));
        page.happen(12);
        page.check();
        await page.answer();
        page.check();
        if (turn === 7) page.reconnect(40);
        page.check();
      }
      for (const kind of listKinds) {
        for (let i = 0; i < 20 && !page.lists.get(kind).whole; i++) {
          void page.lists.older(kind);
          await page.answer();
        }
        expect(page.lists.get(kind).whole, `seed ${seed}: ${kind}`).toBe(true);
      }
      page.check();
    }
  });

  it('a sample asked for while another is read, or before everything is read again, comes without being asked for again', async () => {
    const page = new Page(4, 600);
    const [first, second] = listKinds.filter((k) => !page.lists.get(k).whole);
    const sampled = (kind: typeof first) => page.lists.sample(kind!).length > page.lists.get(kind!).items.length;
    void page.lists.wantSamples([first!]);
    void page.lists.wantSamples([second!]);
    await page.answer();
    await page.answer();
    expect([sampled(first), sampled(second)]).toEqual([true, true]);
    page.reconnect(5);
    expect([sampled(first), sampled(second)]).toEqual([false, false]);
    await page.answer();
    await page.answer();
    expect([sampled(first), sampled(second)]).toEqual([true, true]);
    page.check();
  });

  it('a sample has the marks below step 0 too', async () => {
    const page = new Page(4, 600);
    const below = { ...page.lists.get('statuses').items[0]!, seq: 1, step: -70 };
    page.server.apply([{ op: 'put', kind: 'statuses', item: below }]);
    void page.lists.wantSamples(['statuses']);
    await page.answer();
    expect(page.lists.sample('statuses')[0]).toEqual(below);
  });

  it('a page that could not be read says why, and is read when it is asked for again', async () => {
    const page = new Page(3, 600);
    const kind = listKinds.find((k) => !page.lists.get(k).whole)!;
    const failing = new LoadedLists(
      { runId: 'run001', get: () => ({ view: page.run.view }), subscribe: () => () => {}, onEntries: () => () => {} } as never,
      {
        items: () => Promise.reject(new Error('the server is away')),
        marks: async () => [],
        near: async () => ({ before: [], after: [] }),
      },
    );
    await failing.older(kind);
    expect(failing.get(kind)).toMatchObject({ error: 'the server is away', loading: false, whole: false });
  });
});
