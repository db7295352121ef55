// @vitest-environment jsdom
import { cleanup, screen, waitFor } from '@testing-library/react';
import { userEvent } from '@testing-library/user-event';
import { afterEach, expect, it, vi } from 'vitest';
import { NoteField } from '~/app/_run/notes/NoteField';
import { NotesPanel } from '~/app/_run/notes/NotesPanel';
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

it('while a note is on its way the field takes no text, which would be gone with it', async () => {
  mount(new TestRun(people.bob), <NotesPanel />);
  let answer = (_: object) => {};
  server.answers.set('runs.note', () => new Promise((resolve) => (answer = resolve)));
  const field = await screen.findByRole<HTMLTextAreaElement>('textbox', { name: 'Note at step 0' });
  await userEvent.type(field, 'a{Enter}b');
  expect(field.value).toBe('a');
  answer({ ok: true, seq: 5 });
  await waitFor(() => expect(field.value).toBe(''));
  await userEvent.type(field, 'b');
  expect(field.value).toBe('b');
});

it('a note that is sent again because its answer was lost keeps its id; the next one, of the same words too, has its own', async () => {
  mount(new TestRun(people.bob), <NotesPanel />);
  server.asked.length = 0;
  server.answers.set('runs.note', () => {
    throw new Error('the answer is lost');
  });
  const field = await screen.findByRole<HTMLTextAreaElement>('textbox', { name: 'Note at step 0' });
  await userEvent.type(field, 'a{Enter}');
  await screen.findByText('Not sent. The text stays here until it is.');
  server.answers.set('runs.note', () => ({ ok: true, seq: 5 }));
  await userEvent.type(field, '{Enter}');
  await waitFor(() => expect(field.value).toBe(''));
  await userEvent.type(field, 'a{Enter}');
  await waitFor(() => expect(field.value).toBe(''));
  const [first, again, next] = server.asked
    .filter((a) => a.path === 'runs.note')
    .map((a) => (a.input as { note: { id: string } }).note.id);
  expect(again).toBe(first);
  expect(next).not.toBe(first);
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
