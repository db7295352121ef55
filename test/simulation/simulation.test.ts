import { describe, expect, it } from 'vitest';
import { type Planted, simulate } from './simulate';
import { Violation } from './world';

/** HEADROOM_SIMULATION_SEEDS=10000 for more; `npm run bench -- simulation` uses all cores. */
const seeds = Number(process.env.HEADROOM_SIMULATION_SEEDS ?? 240);
const perTest = 40;

/** The first of these lives in which a rule does not hold. */
async function firstViolation(planted: Planted, within: number): Promise<{ seed: number; rule: string } | null> {
  for (let seed = 1; seed <= within; seed++)
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
    const sum = { commands: 0, takeovers: 0, frames: 0, acknowledged: 0 };
    for (let seed = first!; seed <= last!; seed++) {
      const { counts } = await simulate(seed);
      for (const key of ['commands', 'takeovers', 'frames', 'acknowledged'] as const) sum[key] += counts[key];
    }
    // Lives in which nothing happens would hold every rule.
    const lives = last! - first! + 1;
    expect(sum.commands).toBeGreaterThan(5 * lives);
    expect(sum.frames).toBeGreaterThan(20 * lives);
    expect(sum.acknowledged).toBeGreaterThan(10 * lives);
    expect(sum.takeovers).toBeGreaterThan(lives / 4);
  });

  it.each([7, 8])('the same seed gives the same life, event by event: %i', async (seed) => {
    const [first, second] = [await simulate(seed), await simulate(seed)];
    expect(second).toEqual(first);
  });
});

describe('seeds that found a fault', { timeout: 60_000 }, () => {
  it('11: the write of a new run failed and took effect; the server did not know the run until its next start', async () => {
    await simulate(11);
  });
  it('102: a trainer came back with a paused run that people had stopped meanwhile, and held it for ever', async () => {
    await simulate(102);
  });
  it('103: the server was killed between the end of a run and the outcomes of its waiting commands; they stayed open', async () => {
    await simulate(103);
  });
});

describe('a planted bug is found, by the rule that it breaks', { timeout: 300_000 }, () => {
  it.each<[Planted, RegExp]>([
    [
      'acknowledges before the commit',
      /which is not the end of a committed write|are acknowledged, those below \d+ are committed/,
    ],
    ['forgets the last event it took', /in the log is .*, its trainer made|set-aside/],
    ['resumes a viewer one entry late', /expects seq \d+ and gets a frame of/],
    ['applies commands again after a takeover', /has two outcomes in one attempt|had another outcome before/],
  ])('%s', async (planted, rule) => {
    const found = await firstViolation(planted, 30);
    expect(found?.rule).toMatch(rule);
    expect(found?.rule).toMatch(new RegExp(`^seed ${found?.seed}, event \\d+: `));
  });
});
