// @vitest-environment jsdom
import { cleanup, screen } from '@testing-library/react';
import { userEvent } from '@testing-library/user-event';
import { afterEach, expect, it, vi } from 'vitest';
import { NoteField } from '~/app/_run/notes/NoteField';
import { mount, people, TestRun } from '~/test/support/component';
import { server } from '~/test/support/stubServer';

vi.mock('~/app/_trpc/links', () => import('~/test/support/stubServer'));
afterEach(cleanup);

it('only people whom a mention reaches are suggested: not who wrote in the run and was removed since', async () => {
  server.answers.set('team.people', () => [{ ...people.bob, colour: '#aa3355', since: 1 }]);
  // Ada started the run.
  mount(new TestRun(people.bob), <NoteField label="Note" submit="Add" busy={false} send={async () => true} />);
  await userEvent.type(screen.getByRole('textbox', { name: 'Note' }), '@');
  expect((await screen.findAllByRole('option')).map((o) => o.textContent)).toEqual([people.bob.name]);
});
