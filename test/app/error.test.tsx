// @vitest-environment jsdom
import { cleanup, render, screen } from '@testing-library/react';
import { afterEach, expect, it, vi } from 'vitest';
import PageError from '~/app/error';
import { inRun, people, TestRun } from '~/test/support/component';

vi.mock('~/app/_trpc/links', () => import('~/test/support/stubServer'));
afterEach(cleanup);

it('says what the error says; of a script that is not there any more, what happened, in words', () => {
  const said = (error: Error) => {
    render(inRun(new TestRun(people.ada), <PageError error={error} reset={() => {}} />));
    const { textContent } = screen.getByRole('alert');
    cleanup();
    return textContent;
  };
  expect(said(new Error('expected seq 12, got 14'))).toBe('expected seq 12, got 14');
  const lacking = Object.assign(new Error('Failed to load chunk /_next/static/chunks/1yxles10dr1ky.js'), {
    name: 'ChunkLoadError',
  });
  expect(said(lacking)).toBe(
    'A script of this page could not be loaded: Headroom was updated meanwhile, or the server does not answer.',
  );
});
