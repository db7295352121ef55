// @vitest-environment jsdom
import { cleanup, screen } from '@testing-library/react';
import { afterEach, expect, it, vi } from 'vitest';
import { Sample } from '~/app/_run/samples/Sample';
import type { MediaItem } from '~/shared/view';
import { mount, people, TestRun } from '~/test/support/component';
import { server } from '~/test/support/stubServer';

vi.mock('~/app/_trpc/links', () => import('~/test/support/stubServer'));
afterEach(cleanup);

it('a table shows whole numbers, such as classes and ids, to their last digit, and others with six', async () => {
  const text = JSON.stringify({ columns: ['class', 'id', 'loss', 'none'], rows: [[5, 12345678, 0.123456789, null]] });
  server.answers.set('runs.sample', () => ({ text }));
  const item: MediaItem = { seq: 5, at: 1, step: 1, name: 'samples', kind: 'table', letters: text.length };
  mount(new TestRun(people.bob), <Sample item={item} />);
  expect((await screen.findAllByRole('cell')).map((cell) => cell.textContent)).toEqual(['5', '12345678', '0.123457', '–']);
});
