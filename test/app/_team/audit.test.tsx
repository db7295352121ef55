// @vitest-environment jsdom
import { cleanup, screen } from '@testing-library/react';
import { userEvent } from '@testing-library/user-event';
import { afterEach, expect, it, vi } from 'vitest';
import { Audit } from '~/app/_team/Audit';
import { mount, people, TestRun } from '~/test/support/component';
import { server } from '~/test/support/stubServer';

vi.mock('~/app/_trpc/links', () => import('~/test/support/stubServer'));
afterEach(cleanup);

const row = (seq: number, event: object) => ({ seq, at: seq, actor: people.ada, event, prevHash: '', hash: `hash-${seq}` });
const command = { kind: 'set', id: 'c1', runId: 'run001', control: 'clip', value: 2 };
const applied = { type: 'command.applied', runId: 'run001', seq: 9, commandId: 'c1', step: 90, before: 5, after: 2 };

it('the audit log begins with its newest row, names the runs, and shows those of one run by its id or address', async () => {
  const user = userEvent.setup({ delay: null });
  server.answers.set('team.people', () => []);
  server.answers.set('team.audit', ({ fromSeq }: { fromSeq: number | null }) =>
    fromSeq === null
      ? { rows: [row(9, applied)], nextSeq: 8, names: { run001: 'Reverse' } }
      : { rows: [row(8, { type: 'command.requested', runId: 'run001', seq: 8, command })], nextSeq: null, names: {} },
  );
  mount(new TestRun(people.ada), <Audit />);
  const texts = () => screen.getAllByRole('listitem').map((li) => li.querySelector('span:nth-child(3)')!.textContent);
  expect(await screen.findByRole('link', { name: 'run001' })).toHaveProperty('pathname', '/runs/run001');
  expect(texts()).toEqual(['“Reverse”: applied command c1 at step 90: 5 → 2']);
  await user.click(screen.getByRole('button', { name: 'More' }));
  await screen.findByText('“Reverse”: asked for clip = 2');
  expect(texts()).toEqual(['“Reverse”: applied clip = 2 at step 90: 5 → 2', '“Reverse”: asked for clip = 2']);

  const run = screen.getByRole('textbox', { name: 'Only of this run' });
  await user.type(run, 'Reverse run');
  await screen.findByText('This is not the id of a run. The id is the last part of the address of the run’s page.');
  await user.clear(run);
  await user.click(run);
  await user.paste(' http://lab:3000/headroom/runs/run001?step=5#x');
  await screen.findByRole('link', { name: 'run001' });
  const asked = server.asked.filter(({ path }) => path === 'team.audit').map(({ input }) => input as object);
  const query = { actorId: null, runId: null, kinds: null, limit: 200, newestFirst: true };
  expect(asked.slice(0, 2)).toEqual([
    { ...query, fromSeq: null },
    { ...query, fromSeq: 8 },
  ]);
  expect(asked.at(-1)).toEqual({ ...query, runId: 'run001', fromSeq: null });
});
