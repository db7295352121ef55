import { describe, expect, it } from 'vitest';
import { type Era, type Planted, simulate } from './simulate';
import { Violation } from './world';

/** HEADROOM_SIMULATION_SEEDS=10000 for more; `npm run bench -- simulation` uses all cores. */
const seeds = Number(process.env.HEADROOM_SIMULATION_SEEDS ?? 120);
const perTest = 40;

/** The first of these lives in which a rule does not hold. */
async function firstViolation(planted: Planted, first: number): Promise<{ seed: number; rule: string } | null> {
  for (let seed = first; seed < first + 80; seed++)
    try {
      await simulate(seed, { planted });
    } catch (error) {
      if (!(error instanceof Violation)) throw error;
      return { seed, rule: error.message.split('\n')[0]! };
    }
  return null;
}

describe('in every simulated life the rules of test/simulation/reference.ts hold after each event', { timeout: 300_000 }, () => {
  const blocks = Array.from({ length: Math.ceil(seeds / perTest) }, (_, i) => [
    1 + i * perTest,
    Math.min((i + 1) * perTest, seeds),
  ]);
  it.each(blocks)('seeds %i to %i', async (first, last) => {
    const lives = last! - first! + 1;
    const sum = new Map<string, number>();
    for (let seed = first!; seed <= last!; seed++)
      for (const [what, n] of Object.entries((await simulate(seed)).counts)) sum.set(what, (sum.get(what) ?? 0) + n);
    // Lives in which nothing happens would hold every rule.
    const least = {
      commands: 5 * lives,
      frames: 20 * lives,
      acknowledged: 10 * lives,
      takeovers: lives / 4,
      reverts: lives / 8,
      branches: lives / 8,
      answers: lives / 8,
      scriptAttempts: lives / 4,
      crashes: 0,
      sentBack: lives / 40,
      deletions: 0,
    };
    const tooFew = Object.entries(least).filter(([what, n]) => (sum.get(what) ?? 0) <= n);
    expect(tooFew).toEqual([]);
  });

  it.each([7, 8])('the same seed gives the same life, event by event: %i', async (seed) => {
    const [first, second] = [await simulate(seed), await simulate(seed)];
    expect(second).toEqual(first);
  });
});

describe('seeds that found a fault', { timeout: 60_000 }, () => {
  it.each<[number, Era, string]>([
    [11, 1, 'the write of a new run failed and took effect; the server did not know the run until its next start'],
    [102, 1, 'a trainer came back with a paused run that people had stopped meanwhile, and held it for ever'],
    [103, 1, 'the server was killed between the end of a run and the outcomes of its waiting commands; they stayed open'],
    [1063, 1, 'a run ended while people sent it back to the queue; its waiting commands stayed open'],
    [
      176,
      2,
      'a run went back while a question about its last checkpoint was answered; the answer was taken for one about another',
    ],
    [10, 2, 'a script ended its run before it had seen every command; those stayed open'],
    [20015, 2, 'the store failed while a run was deleted; nobody could reach the run until the next start of the server'],
    [5882, 2, 'the write of a script that opened the run again failed and took effect; the script died, and the run never ended'],
    [7991, 2, 'a connection broke while its trainer came back with a run; the run waited for it for ever'],
    [
      10080,
      2,
      'people sent a run back to the queue; its trainer did not hear of it, as its connection broke, and went on with it',
    ],
    [11552, 2, 'the same, and the server was restarted before that trainer came back'],
    [
      12356,
      2,
      'a question was answered before the registration of its trainer; the answer was dropped, the question stayed open',
    ],
    [55770, 2, 'the deletion of a run failed and took effect; the server kept the run, and could do nothing with it'],
    [69693, 2, 'the same as 5882, of a run that had ended: no process had it, so nobody looked whether the script was alive'],
    [71522, 2, 'the write failed and did not take effect; a run that no script had begun was called crashed'],
  ])('%i, era %i: %s', async (seed, era) => {
    await simulate(seed, { era });
  });
});

describe('a planted bug is found, by the rule that it breaks', { timeout: 300_000 }, () => {
  it.each<[Planted, RegExp, number?]>([
    [
      'acknowledges before the commit',
      /which is not the end of a committed write|are acknowledged, those below \d+ are committed/,
    ],
    ['forgets the last event it took', /in the log is .*, its trainer made|set-aside/],
    ['resumes a viewer one entry late', /expects seq \d+ and gets a frame of/],
    ['applies commands again after a takeover', /has two outcomes in one attempt|had another outcome before/],
    ['keeps its value when its run goes back', /the values at the steps in force/],
    ['a branch does not repeat its parent', /which repeats made\d+ from step \d+ on: is/],
    ['answers a question about another checkpoint', /the answer to question/],
    ['takes a silent script for crashed too early', /is called crashed \d+ ms after its last events/],
    [
      'leaves a run that goes back to the queue with its trainer',
      /not whole 600 s after the last fault: .* sent it back to the queue/,
      // One life in 130 finds it; here are three of them.
      350,
    ],
    ['forgets to delete', /the runs that a server knows after its start/],
    ['measures time by the wall clock', /is called crashed \d+ ms after its last events|not whole 600 s after the last fault/],
  ])('%s', async (planted, rule, first = 1) => {
    const found = await firstViolation(planted, first);
    expect(found?.rule).toMatch(rule);
    expect(found?.rule).toMatch(new RegExp(`^seed ${found?.seed}, event \\d+: `));
  });
});
