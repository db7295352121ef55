import { expect, it } from 'vitest';
import { stateWord } from '~/app/_run/timeline/stateWord';
import type { RunStatus } from '~/shared/view';

it.each<[RunStatus, string]>([
  ['queued', 'Waiting'],
  ['starting', 'Waiting'],
  ['waiting', 'Waiting'],
  ['running', 'Live'],
  ['paused', 'Paused'],
  ['finished', 'Last step'],
  ['crashed', 'Last step'],
])('only a run that moves is live: one that is %s says "%s", and pinned "Pinned"', (status, word) => {
  expect([stateWord(status, true, false), stateWord(status, false, false)]).toEqual([word, 'Pinned']);
  expect([stateWord(status, true, true), stateWord(status, false, true)]).toEqual(['Last step', 'Pinned']);
});
