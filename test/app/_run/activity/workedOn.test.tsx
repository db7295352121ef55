// @vitest-environment jsdom
/** What a run stands still for, and that it can be canceled there by those who may. */
import { act, cleanup, screen } from '@testing-library/react';
import { userEvent } from '@testing-library/user-event';
import { afterEach, expect, it, vi } from 'vitest';
import { WorkedOn } from '~/app/_run/activity/WorkedOn';
import { applied } from '~/shared/commandAnswers';
import type { RunEvent } from '~/shared/events';
import type { Actor } from '~/shared/ids';
import { mount, people, TestRun } from '~/test/support/component';
import { publishedSetup } from '~/test/support/setups';
import { runStarted, startValues } from '~/test/support/synthetic';
import { declaration } from '~/trainer/run/commands';

vi.mock('~/app/_trpc/links', () => import('~/test/support/stubServer'));

afterEach(cleanup);

const user = userEvent.setup();
const shown = () => screen.queryAllByRole('listitem').map((item) => item.textContent);

/** A run whose trainer has taken up these actions at step 0. */
function asked(you: Actor, ...commands: [action: string, args: Record<string, string>][]): TestRun {
  const run = new TestRun(you);
  run.log(
    { type: 'run.assigned', attempt: 1, trainer: { id: 't1', name: 'box', host: 'box' }, fromStep: 0, checkpoint: null },
    { ...runStarted(0, startValues(publishedSetup('reverse'))), controls: declaration([]) } as RunEvent,
    { type: 'status', status: 'running', step: 0, message: '' },
  );
  for (const [i, [action, args]] of commands.entries()) take(run, `command-${i + 1}`, action, args);
  return run;
}

function take(run: TestRun, id: string, action: string, args: Record<string, string>): void {
  const command = { kind: 'act', id, runId: run.runId, action, args } as const;
  const seq = run.log({ type: 'command.requested', actor: people.ada, command });
  run.log(applied({ seq, command }, 0, 'taken up') as RunEvent);
}

it('a question and an evaluation are shown until they are answered or canceled', async () => {
  const run = asked(people.ada, ['ablateHeads', { heads: 'all' }], ['evaluate', { split: 'test' }], ['snapshot', {}]);
  mount(run, <WorkedOn />);
  expect(shown()).toEqual(['Switch heads off (Heads all) by Ada is being answered', 'Evaluate (test) by Ada is being answered']);
  await user.click(screen.getByRole('button', { name: 'Cancel Switch heads off (Heads all) by Ada' }));
  expect(run.sent).toEqual([{ kind: 'act', action: 'cancel', args: { commandId: 'command-1' } }]);
  act(() => take(run, 'command-4', 'cancel', { commandId: 'command-1' }));
  expect(shown()).toEqual(['Evaluate (test) by Ada is being answered']);
  const metrics = [{ name: 'loss', value: 1, role: 'loss' as const }];
  act(
    () =>
      void run.log({
        type: 'evaluation',
        step: 0,
        split: 'test',
        trigger: 'command',
        commandId: 'command-2',
        metrics,
      } as RunEvent),
  );
  expect(shown()).toEqual([]);
});

it('one that failed is over; a viewer sees what is asked and no button', () => {
  const run = asked(people.vic, ['ablateHeads', { heads: 'all' }], ['permutationCheck', {}]);
  run.log({ type: 'alert', step: 0, level: 'error', kind: 'command-failed', message: 'command-2: permutationCheck: no memory' });
  mount(run, <WorkedOn />);
  expect(shown()).toEqual(['Switch heads off (Heads all) by Ada is being answered']);
  expect(screen.queryAllByRole('button')).toEqual([]);
});
