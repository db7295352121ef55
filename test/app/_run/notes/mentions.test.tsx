// @vitest-environment jsdom
import { cleanup, screen } from '@testing-library/react';
import { userEvent } from '@testing-library/user-event';
import { afterEach, expect, it, vi } from 'vitest';
import { NoteField } from '~/app/_run/notes/NoteField';
import { mount, people, TestRun } from '~/test/support/component';
import { server } from '~/test/support/stubServer';

vi.mock('~/app/_trpc/links', () => import('~/test/support/stubServer'));
afterEach(cleanup);

it('a text that is too long is kept whole, said to be too long, and not sent', async () => {
  const sent: string[] = [];
  const send = async (text: string) => sent.push(text) > 0;
  mount(new TestRun(people.bob), <NoteField label="Note" submit="Add" busy={false} send={send} />);
  const field = screen.getByRole<HTMLTextAreaElement>('textbox', { name: 'Note' });
  await userEvent.click(field);
  await userEvent.paste('x'.repeat(4001));
  await userEvent.keyboard('{Enter}');
  expect([field.value.length, sent]).toEqual([4001, []]);
  screen.getByText('4,001 characters; at most 4,000 fit');
  await userEvent.keyboard('{Backspace}{Enter}');
  expect([field.value, sent.map((text) => text.length)]).toEqual(['', [4000]]);
});

it('only people whom a mention reaches are suggested: not who wrote in the run and was removed since', async () => {
  server.answers.set('team.people', () => [{ ...people.bob, colour: '#aa3355', since: 1 }]);
  // Ada started the run.
  mount(new TestRun(people.bob), <NoteField label="Note" submit="Add" busy={false} send={async () => true} />);
  await userEvent.type(screen.getByRole('textbox', { name: 'Note' }), '@');
  expect((await screen.findAllByRole('option')).map((o) => o.textContent)).toEqual([people.bob.name]);
});

it('what is typed right after a suggestion was taken follows it, in front of the rest', async () => {
  server.answers.set('team.people', () => [{ ...people.bob, colour: '#aa3355', since: 1 }]);
  mount(new TestRun(people.bob), <NoteField label="Note" submit="Add" busy={false} send={async () => true} />);
  const field = screen.getByRole<HTMLTextAreaElement>('textbox', { name: 'Note' });
  const user = userEvent.setup({ delay: null });
  await user.type(field, 'why @ bend?');
  field.setSelectionRange(5, 5);
  await user.keyboard(people.bob.name[0]!);
  await screen.findByRole('option', { name: people.bob.name });
  await user.keyboard('{Enter}this ');
  expect(field.value).toBe(`why @${people.bob.name} this bend?`);
});
