// @vitest-environment jsdom
import { render, screen } from '@testing-library/react';
import { expect, it } from 'vitest';
import { RefusedBar } from '~/app/_components/RefusedBar';

it('of a run that was deleted leads to the others: its own page cannot be opened again', () => {
  render(<RefusedBar why="the run was deleted for good" />);
  expect(screen.getByRole('alert').textContent).toBe(
    'The run was deleted for good. What you see is as it was then. Open this page again or go to all runs.',
  );
  expect(screen.getByRole('link', { name: 'all runs' }).getAttribute('href')).toBe('/');
});
