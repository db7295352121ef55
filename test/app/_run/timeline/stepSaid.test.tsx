// @vitest-environment jsdom
import { act, cleanup } from '@testing-library/react';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { setCursor } from '~/app/_live/cursor';
import { StepSaid } from '~/app/_run/timeline/SnapshotShown';
import type { RunEvent } from '~/shared/events';
import { mount, people, TestRun } from '~/test/support/component';
import { publishedSetup } from '~/test/support/setups';
import { runStarted, startValues, steps } from '~/test/support/synthetic';

vi.mock('~/app/_trpc/links', () => import('~/test/support/stubServer'));
beforeEach(() => void vi.useFakeTimers());
afterEach(() => {
  cleanup();
  setCursor.reset();
  vi.useRealTimers();
});

it('a screen reader hears nothing of steps that are followed live, and of one that is shown at most every five seconds', () => {
  const values = startValues(publishedSetup('reverse'));
  const run = new TestRun(people.ada);
  run.log(runStarted(0, values) as RunEvent, { type: 'status', status: 'running', step: 0, message: '' });
  const { container } = mount(run, <StepSaid />);
  const region = container.querySelector('[aria-live=polite]')!;
  const said: string[] = [];
  let head = 0;
  /** At 10 steps a second. */
  const train = (seconds: number) => {
    for (const end = head + 10 * seconds; head < end; head++) {
      act(() => void run.log(steps(head, 1, values) as RunEvent));
      act(() => void vi.advanceTimersByTime(100));
      if (region.textContent !== said.at(-1)) said.push(region.textContent!);
    }
  };
  train(20);
  expect(said.splice(0)).toEqual(['']);
  act(() => setCursor.pin(500));
  train(11);
  expect(said).toEqual([201, 250, 300].map((at) => `this run has no step 500: it is at ${at}`));
});
