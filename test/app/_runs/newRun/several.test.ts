import { describe, expect, it } from 'vitest';
import { draftLike, emptyDraft, filledIn, setupsOf, typed } from '~/app/_runs/newRun/draft';
import { combinations, mostRuns, severalOf, unsure } from '~/app/_runs/newRun/several';
import type { KnownRecipe } from '~/shared/recipes';
import { publishedSetup, recipeNamed } from '~/test/support/setups';

const number = { kind: 'number', choices: [] } as const;
const recipes: KnownRecipe[] = [{ ...recipeNamed('reverse').spec, trainers: [{ name: 'ada', connected: true }] }];

describe('several values in one field', () => {
  it('are separated by commas, each once; one value, or none, is no sweep', () => {
    expect(severalOf(number, '0.1, 0.2,0.1,')).toEqual(['0.1', '0.2']);
    expect(severalOf(number, '0.1')).toBe(null);
    expect(severalOf(number, '')).toBe(null);
  });
  it('are different numbers, however they are written; one number twice is said', () => {
    expect(severalOf(number, '0.001, 1e-3, 0.002')).toEqual(['0.001', '0.002']);
    expect(severalOf(number, '0.001, 1e-3')).toBe(null);
    expect(unsure('0.001, 1e-3')).toBe('"0.001, 1e-3" has the same value again: write 0.001, or several different ones');
    expect(['0.001', '0.001,', '0.001, 0.002', 'abc, abc', '1,000', ''].map(unsure)).toEqual(Array(6).fill(null));
  });
  it('are not made of a number with a decimal comma', () => {
    expect(severalOf(number, '0,001')).toBe(null);
    expect(severalOf(number, '128,256')).toBe(null);
    expect(severalOf(number, '1,000,000')).toBe(null);
    expect(severalOf(number, '1,000, 2,500, 1_0')).toEqual(['1,000', '2,500', '1_0']);
    expect(severalOf(number, '0, 1')).toEqual(['0', '1']);
  });
  it('are not looked for in a text or a list, which may hold commas', () => {
    expect(severalOf({ kind: 'text', choices: [] }, 'a, b')).toBe(null);
    expect(severalOf({ kind: 'list', choices: [] }, '1, 2')).toBe(null);
  });
});

it('combinations: the last list runs fastest; those beyond the most are counted and left out', () => {
  expect(
    combinations([
      ['a', 'b'],
      ['1', '2', '3'],
    ]),
  ).toEqual({
    list: [
      ['a', '1'],
      ['a', '2'],
      ['a', '3'],
      ['b', '1'],
      ['b', '2'],
      ['b', '3'],
    ],
    of: 6,
  });
  const many = combinations([Array.from({ length: 20 }, (_, i) => String(i)), Array.from({ length: 20 }, (_, i) => String(i))]);
  expect([many.list.length, many.of]).toEqual([mostRuns, 400]);
});

it('a draft with several values asks for one run for each, in one group, named by what differs', () => {
  const draft = { ...emptyDraft, sweep: '2026-11-27 10:00' };
  const filled = filledIn(draft, recipes)!;
  const swept = typed(draft, filled, 'optimizer.learningRate', '0.001, 0.0003');
  const { setups, of, group } = setupsOf(swept, filledIn(swept, recipes)!);
  const title = recipes[0]!.title;
  expect([of, group]).toEqual([2, `${title} sweep 2026-11-27 10:00`]);
  expect(setups.map((s) => [s.name, s.group, s.jobType, (s.config.optimizer as { learningRate: number }).learningRate])).toEqual([
    [`${title}: learningRate 0.001`, group, 'sweep', 0.001],
    [`${title}: learningRate 0.0003`, group, 'sweep', 0.0003],
  ]);
});

it('a draft like another run spells that run again, whatever was changed in it', () => {
  const setup = publishedSetup('reverse', { seed: 77 }, { project: 'p', group: 'g', tags: ['a', 'b'] });
  const draft = draftLike(setup, recipes);
  expect(draft.settings).toEqual([{ recipe: 'reverse', preset: recipes[0]!.presets[0]!.name, typed: [['seed', '77']] }]);
  expect(setupsOf(draft, filledIn(draft, recipes)!).setups).toEqual([setup]);
});
