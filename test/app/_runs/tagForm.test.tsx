// @vitest-environment jsdom
import { cleanup, render, screen } from '@testing-library/react';
import { userEvent } from '@testing-library/user-event';
import { afterEach, expect, it } from 'vitest';
import { TagForm } from '~/app/_runs/TagForm';
import type { RunSummary } from '~/shared/summary';

afterEach(cleanup);

it('tags of several runs are changed once something is to change: no press is without an answer', async () => {
  const user = userEvent.setup({ delay: null });
  const runs = [{ runId: 'a', name: 'A', tags: ['old', 'kept'] }] as unknown as RunSummary[];
  const changed: [tags: string[], done: string][] = [];
  render(<TagForm runs={runs} onTags={(of, done) => changed.push([of(runs[0]!), done])} onClose={() => {}} />);
  const button = screen.getByRole<HTMLButtonElement>('button', { name: 'Change tags' });
  expect(button.disabled).toBe(true);
  await user.click(screen.getByRole('checkbox', { name: 'old' }));
  await user.type(screen.getByRole('textbox', { name: 'Add tags' }), 'paper, paper');
  await user.click(button);
  expect(changed).toEqual([[['kept', 'paper'], 'tagged paper; without old']]);
});
