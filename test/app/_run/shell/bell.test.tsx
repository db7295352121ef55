// @vitest-environment jsdom
/** The bell: what it counts, in which title, and when it counts as read. */
import { act, cleanup, screen, waitFor } from '@testing-library/react';
import { userEvent } from '@testing-library/user-event';
import { hydrateRoot } from 'react-dom/client';
import { renderToString } from 'react-dom/server';
import { afterEach, expect, it, vi } from 'vitest';
import { pageTitle } from '~/app/_live/pageTitle';
import { choices } from '~/app/_live/remembered';
import { toast } from '~/app/_live/toast';
import type { WireListener } from '~/app/_live/wire';
import { Bell } from '~/app/_run/shell/Bell';
import type { Notice } from '~/shared/notices';
import { inRun, mount, people, TestRun } from '~/test/support/component';

const wire = vi.hoisted(() => ({ listeners: new Set<unknown>() }));
vi.mock('~/app/_trpc/links', () => import('~/test/support/stubServer'));
vi.mock('~/app/_live/socket', () => ({
  viewerWire: () => ({
    listen(listener: unknown) {
      wire.listeners.add(listener);
      return () => void wire.listeners.delete(listener);
    },
  }),
}));

const user = userEvent.setup();
const bell = () => screen.getByRole('button', { name: /^Notifications/ });
const links = () => screen.queryAllByRole<HTMLAnchorElement>('link').map((a) => [a.textContent, a.getAttribute('href')]);
const each = (tell: (listener: Partial<WireListener>) => void) =>
  act(() => {
    for (const listener of wire.listeners as Set<Partial<WireListener>>) tell(listener);
  });
const arrives = (notice: Omit<Notice, 'detail' | 'asks'> & Partial<Notice>) =>
  each((listener) => listener.notice?.({ asks: null, detail: '', ...notice }));
const isAnswered = (asked: string) => each((listener) => listener.answered?.(asked));

afterEach(() => {
  cleanup();
  localStorage.clear();
  pageTitle.say(null);
});

it('counts each notice once, on the bell and in the title of the tab, whatever the page calls itself meanwhile', () => {
  mount(new TestRun(people.ada), <Bell />);
  expect([bell().textContent, document.title]).toEqual(['Notifications', 'Headroom']);
  arrives({ key: 'asked', runId: 'run001', step: 7, title: 'Bob asks for control' });
  arrives({ key: 'asked', runId: 'run001', step: 7, title: 'Bob asks for control' });
  arrives({ key: 'named', runId: 'run002', step: null, title: 'Vic mentions you' });
  expect([bell().textContent, document.title]).toEqual(['Notifications, 2 new2', '(2) Headroom']);
  pageTitle.say('40 running · Reverse');
  expect(document.title).toBe('(2) 40 running · Reverse');
  expect(document.querySelectorAll('link[rel=icon]')).toHaveLength(1);
  pageTitle.say(null);
  expect(document.title).toBe('(2) Headroom');
});

it('a page that is opened with notifications takes over the HTML of the server, which knows of none, and shows them then', async () => {
  const page = inRun(new TestRun(people.ada), <Bell />);
  const box = document.body.appendChild(document.createElement('div'));
  box.innerHTML = renderToString(page);
  choices.write('notices', JSON.stringify([{ key: 'k', tone: 'info', title: 't', detail: '', href: '/runs/run001', at: 1 }]));
  const regenerated: unknown[] = [];
  const root = await act(async () => hydrateRoot(box, page, { onRecoverableError: (error) => regenerated.push(error) }));
  expect([regenerated, bell().textContent]).toEqual([[], 'Notifications, 1 new1']);
  act(() => root.unmount());
  box.remove();
});

it('lists them with the newest first, and what is shown is read, also what comes while the list is open', async () => {
  mount(new TestRun(people.ada), <Bell />);
  arrives({ key: 'first', runId: 'run003', step: 9, title: 'Vic mentions you' });
  expect(document.title).toBe('(1) Headroom');
  await user.click(bell());
  await waitFor(() => expect(links().slice(0, 1)).toEqual([['Vic mentions you', '/runs/run003?step=9&side=notes']]));
  await waitFor(() => expect([bell().textContent, document.title]).toEqual(['Notifications', 'Headroom']));
  expect(document.querySelectorAll('link[rel=icon]')).toHaveLength(0);
  arrives({ key: 'second', runId: 'run003', step: null, title: 'Bob asks for control' });
  await waitFor(() => expect([bell().textContent, document.title]).toEqual(['Notifications', 'Headroom']));
  expect(links()[0]).toEqual(['Bob asks for control', '/runs/run003']);
});

it('what was answered needs no reading; what others ask for, and what asks for nothing, still does', () => {
  mount(new TestRun(people.ada), <Bell />);
  arrives({ key: 'lock 1', runId: 'run001', step: null, title: 'Bob asks for the control lock', asks: 'run001 lock' });
  arrives({ key: 'lock 2', runId: 'run002', step: null, title: 'Bob asks for the control lock', asks: 'run002 lock' });
  arrives({ key: 'command', runId: 'run001', step: null, title: 'Bob asks for a second operator', asks: 'run001 command-1' });
  arrives({ key: 'mention', runId: 'run001', step: 7, title: 'Bob mentions you' });
  expect(bell().textContent).toBe('Notifications, 4 new4');
  isAnswered('run001 lock');
  expect([bell().textContent, document.title]).toEqual(['Notifications, 3 new3', '(3) Headroom']);
  // The run has ended.
  isAnswered('run001 ');
  expect(bell().textContent).toBe('Notifications, 2 new2');
  isAnswered('run002 lock');
  expect(bell().textContent).toBe('Notifications, 1 new1');
});

it('a reload shows what came before it, read or not; not more than 50, and nothing that is no notification', async () => {
  const run = new TestRun(people.ada);
  const open = () => mount(run, <Bell />);
  open();
  const arriveAll = (from: number, to: number) => {
    for (let n = from; n < to; n++)
      arrives({ key: `run001 ${n}`, runId: 'run001', step: null, title: `Vic mentions you ${n}`, detail: 'x'.repeat(999) });
  };
  arriveAll(0, 40);
  cleanup();
  open();
  expect(bell().textContent).toBe('Notifications, 40 new40');
  await user.click(bell());
  await waitFor(() => expect(bell().textContent).toBe('Notifications'));
  arriveAll(40, 41);
  await waitFor(() => expect(links()[0]![0]).toBe('Vic mentions you 40'));
  cleanup();
  open();
  expect(bell().textContent).toBe('Notifications');
  arriveAll(41, 100);
  expect(bell().textContent).toBe('Notifications, 50 new50');
  expect(choices.read('notices')!.length).toBeLessThan(32 * 1024);
  cleanup();
  choices.write('notices', JSON.stringify([null, 7, { key: 'x', title: '', detail: '', href: 'javascript:1', at: 1 }]));
  choices.write('noticesRead', '{');
  open();
  expect(bell().textContent).toBe('Notifications');
});

it('what is answered goes from every tab, also where another tab has said that it is read', () => {
  const dismiss = vi.spyOn(toast, 'dismiss');
  mount(new TestRun(people.ada), <Bell />);
  arrives({ key: 'lock 1', runId: 'run001', step: null, title: 'Bob asks for the control lock', asks: 'run001 lock' });
  act(() => choices.write('noticesRead', '[["lock 1"]]'));
  isAnswered('run001 lock');
  expect(dismiss.mock.calls).toEqual([['lock 1']]);
});
