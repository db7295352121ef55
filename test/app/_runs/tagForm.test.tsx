// @vitest-environment jsdom
import { cleanup, render, screen, waitFor } from '@testing-library/react';
import { userEvent } from '@testing-library/user-event';
import { afterEach, expect, it } from 'vitest';
import { TagForm } from '~/app/_runs/TagForm';
import { changeOf, type TagChange } from '~/app/_runs/tags';
import type { RunSummary } from '~/shared/summary';
import '~/test/support/patience';

afterEach(cleanup);

it('tags of several runs are changed once something is to change; what was typed stays until it is', async () => {
  const user = userEvent.setup({ delay: null });
  const runs = [{ runId: 'a', name: 'A', tags: ['old', 'kept'] }] as unknown as RunSummary[];
  const changed: [TagChange, done: string][] = [];
  const answers = [false, true];
  let closed = 0;
  const onTags = async (change: TagChange, done: string) => {
    changed.push([change, done]);
    return answers.shift()!;
  };
  render(<TagForm runs={runs} onTags={onTags} onClose={() => closed++} />);
  const button = screen.getByRole<HTMLButtonElement>('button', { name: 'Change tags' });
  expect(button.disabled).toBe(true);
  await user.click(screen.getByRole('checkbox', { name: 'old' }));
  await user.type(screen.getByRole('textbox', { name: 'Add tags' }), 'paper, paper');
  await user.click(button);
  await screen.findByText('Not changed. What you typed stays here.');
  expect([screen.getByRole<HTMLInputElement>('textbox', { name: 'Add tags' }).value, closed]).toEqual(['paper, paper', 0]);
  await user.click(button);
  await waitFor(() => expect(closed).toBe(1));
  const asked = [{ add: ['paper'], remove: ['old'] }, 'tagged paper; without old'];
  expect(changed).toEqual([asked, asked]);
});

it('a change of tags is undone only where it changed a run', () => {
  const change = { add: ['a', 'b'], remove: ['c', 'd'] };
  expect(changeOf(['b', 'c', 'x'], change)).toEqual({ add: ['a'], remove: ['c'] });
  expect(changeOf([], change)).toEqual({ add: ['a', 'b'], remove: [] });
  expect(changeOf(['c'], { add: ['c'], remove: ['c'] })).toEqual({ add: [], remove: [] });
});
