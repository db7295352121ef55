// @vitest-environment jsdom
import { cleanup, screen } from '@testing-library/react';
import { afterEach, expect, it, vi } from 'vitest';
import { RunPicker } from '~/app/_runs/RunPicker';
import { mount, people, TestRun } from '~/test/support/component';
import { runLine } from '~/test/support/runLines';
import { server } from '~/test/support/stubServer';

vi.mock('~/app/_trpc/links', () => import('~/test/support/stubServer'));
afterEach(cleanup);

it('runs of the same name are told apart by their ids', async () => {
  const runs = [runLine('aaaaaa', { name: 'train' }), runLine('bbbbbb', { name: 'train' }), runLine('cccccc', { name: 'wide' })];
  server.answers.set('runs.table', () => ({ page: runs.map((run) => ({ kind: 'run', run })), runs: 3, problems: [] }));
  mount(new TestRun(people.ada), <RunPicker onPick={() => {}} />);
  await screen.findByRole('list', { name: 'Runs found' });
  const rows = await screen.findAllByRole('button');
  expect(rows.map((row) => row.querySelector('span')!.textContent)).toEqual(['train, aaaaaa', 'train, bbbbbb', 'wide']);
});
