import { describe, expect, it } from 'vitest';
import { BudgetError } from '~/server/store';
import type { Call } from '~/server/store/sqlite/calls';
import { Lanes } from '~/server/store/sqlite/lanes';
import type { Reads } from '~/server/store/sqlite/read';

/** Lanes whose questions are generators that the test holds in its hands: each step is one turn, which the test gives. */
function scripted(budget = 1000) {
  const log: string[] = [];
  const turns: (() => void)[] = [];
  let open = 0;
  let inTransaction = 0;
  const reads = {
    *range({ runId, steps }: { runId: string; steps: number }) {
      for (let i = 0; i < steps; i++) {
        log.push(`${runId} ${i}`);
        // Longer than a slice, so that every step is one.
        const until = performance.now() + 5;
        while (performance.now() < until);
        yield 10;
      }
      return `${runId} done`;
    },
    view: (runId: string) => `view of ${runId}`,
    setting: () => {
      throw new Error('no such table');
    },
  } as unknown as Reads;
  const lanes = new Lanes(
    () => {
      open++;
      let own = false;
      const db = {
        get inTransaction() {
          return own;
        },
        exec(sql: string) {
          own = sql === 'BEGIN';
          inTransaction += own ? 1 : -1;
        },
        close: () => void open--,
      };
      return { db: db as never, reads };
    },
    {
      answer: (id, value) => log.push(`${id} = ${value}`),
      fail: (id, error) => log.push(`${id} failed: ${(error as Error).message}`),
    },
    budget,
    (turn) => turns.push(turn),
  );
  let id = 0;
  const ask = (runId: string, steps: number): number => {
    lanes.take({ id: ++id, method: 'range', args: [{ runId, steps }] } satisfies Call);
    return id;
  };
  const turn = (times = 1) => {
    for (let i = 0; i < times; i++) turns.shift()?.();
  };
  return { lanes, log, ask, turn, counts: () => ({ open, inTransaction, turns: turns.length }) };
}

describe('questions in slices', () => {
  it('of two runs take turns, so that the short one is answered long before the long one', () => {
    const { log, ask, turn } = scripted();
    ask('long', 20);
    ask('short', 2);
    turn(5);
    expect(log).toEqual(['long 0', 'short 0', 'long 1', 'short 1', 'long 2', '2 = short done']);
  });

  it('of one run have two connections at most: a third waits, and another run does not wait for it', () => {
    const { log, ask, turn, counts } = scripted();
    for (let i = 0; i < 3; i++) ask('busy', 3);
    expect(counts().open).toBe(2);
    ask('other', 1);
    turn(20);
    expect(log.filter((line) => line.includes('='))).toEqual([
      '4 = other done',
      '1 = busy done',
      '2 = busy done',
      '3 = busy done',
    ]);
    expect(counts()).toEqual({ open: 3, inTransaction: 0, turns: 0 });
  });

  it('that go through too much fail with a budget error, and their connection is used again', () => {
    const { log, ask, turn, counts } = scripted(35);
    ask('endless', 1e9);
    turn(10);
    expect(log.at(-1)).toBe(`1 failed: ${new BudgetError(35).message}`);
    ask('next', 1);
    turn(2);
    expect([log.at(-1), counts()]).toEqual(['2 = next done', { open: 1, inTransaction: 0, turns: 0 }]);
  });

  it('that are called off stop at the next turn and are not answered; one that waits is never begun', () => {
    const { lanes, log, ask, turn, counts } = scripted();
    const first = ask('run', 50);
    ask('run', 50);
    const third = ask('run', 50);
    lanes.cancel(third);
    lanes.cancel(first);
    turn(200);
    expect(log.filter((line) => line.includes('='))).toEqual(['2 = run done']);
    expect(counts().inTransaction).toBe(0);
  });

  it('short ones are answered at once; one that throws takes back only itself', () => {
    const { lanes, log, counts } = scripted();
    lanes.take({ id: 7, method: 'view', args: ['run1'] });
    lanes.take({ id: 8, method: 'setting', args: ['a'] });
    lanes.take({ id: 9, method: 'nosuch', args: [] });
    expect(log).toEqual(['7 = view of run1', '8 failed: no such table', '9 failed: the store\'s reader has no "nosuch"']);
    expect(counts().inTransaction).toBe(0);
  });

  it('closing waits for what was asked', () => {
    const { lanes, log, ask, turn, counts } = scripted();
    ask('run', 2);
    let closed = false;
    lanes.close(() => {
      closed = true;
    });
    expect(closed).toBe(false);
    turn(3);
    expect([closed, log.at(-1), counts().open]).toEqual([true, '1 = run done', 0]);
  });
});
