// @vitest-environment jsdom
import { act, cleanup, screen } from '@testing-library/react';
import { userEvent } from '@testing-library/user-event';
import { afterEach, expect, it, vi } from 'vitest';
import { setCursor } from '~/app/_live/cursor';
import { StepField } from '~/app/_run/timeline/Timeline';
import type { RunEvent } from '~/shared/events';
import { mount, people, TestRun } from '~/test/support/component';
import { publishedSetup } from '~/test/support/setups';
import { runStarted, startValues, steps } from '~/test/support/synthetic';

vi.mock('~/app/_trpc/links', () => import('~/test/support/stubServer'));
afterEach(() => {
  cleanup();
  setCursor.reset();
});

it('a step is typed while the run goes on: steps that arrive change nothing in the field until it is left', async () => {
  const user = userEvent.setup({ delay: null });
  const values = startValues(publishedSetup('reverse'));
  const run = new TestRun(people.ada);
  const train = (from: number, to: number) =>
    act(() => {
      run.log(steps(from, to - from, values) as RunEvent);
      setCursor.head(to);
    });
  run.log(runStarted(0, values) as RunEvent, { type: 'status', status: 'running', step: 0, message: '' });
  mount(run, <StepField />);
  const field = screen.getByRole<HTMLInputElement>('textbox', { name: 'step' });
  train(0, 90);
  await user.click(field);
  train(90, 120);
  expect([field.value, field.selectionStart, field.selectionEnd]).toEqual(['90', 0, 2]);
  // Left without a change it follows the run again.
  await user.tab();
  expect([field.value, setCursor.get().mode]).toEqual(['120', 'live']);
  await user.tab({ shift: true });
  train(120, 130);
  await user.keyboard('70{Enter}');
  expect([field.value, setCursor.get().mode, setCursor.get().step]).toEqual(['70', 'pinned', 70]);
});
