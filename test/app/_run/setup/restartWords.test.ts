import { expect, it } from 'vitest';
import { restartWords } from '~/app/_run/setup/restartWords';
import { publishedSetup } from '~/test/support/setups';

const about = (changes: object = {}) => ({
  setup: { ...publishedSetup('reverse'), recipe: null },
  status: 'running' as const,
  step: 40,
  runId: 'abc1234567',
  openKey: 'a hash',
  released: false,
  ...changes,
});

it('a run of a recipe, and one whose script is there, need no word on how to go on', () => {
  expect(restartWords({ ...about(), setup: publishedSetup('reverse') })).toBeNull();
  expect(restartWords(about())).toBeNull();
});

it.each(['waiting', 'crashed', 'finished', 'stopped', 'failed'])(
  'a run that is %s says how it goes on and how it is branched',
  (status) => {
    const words = restartWords(about({ status }) as never)!;
    expect(words).toContain('resume = "allow"');
    expect(words).toContain('fork = {"runId": "abc1234567", "step": 40}');
  },
);

it('an imported run has no script: it can only be branched', () => {
  expect(restartWords(about({ openKey: null }))).toMatch(/^This run was imported; a script with another key and fork = /);
});
