// @vitest-environment jsdom
/** The dialog around the new-run form: what it says to whom, and which problems it shows. */
import { cleanup, screen } from '@testing-library/react';
import { userEvent } from '@testing-library/user-event';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { NewRunDialog } from '~/app/_runs/NewRunDialog';
import type { KnownRecipe } from '~/shared/recipes';
import { inRun, mount, people, TestRun } from '~/test/support/component';
import { refuse, server } from '~/test/support/stubServer';

vi.mock('~/app/_trpc/links', () => import('~/test/support/stubServer'));
const went = vi.hoisted((): string[] => []);
vi.mock('next/navigation', () => ({ useRouter: () => ({ push: (to: string) => went.push(to) }) }));
const said = vi.hoisted((): string[] => []);
vi.mock('~/app/_live/toast', () => {
  const say = (text: string) => said.push(text);
  return { toast: { success: say, warning: say, error: say } };
});

const user = userEvent.setup({ delay: null });
const recipe: KnownRecipe = {
  name: 'sort',
  title: 'Sort',
  summary: 'Sorts numbers.',
  schema: {
    type: 'object',
    properties: {
      size: { type: 'integer', minimum: 1, title: 'Size' },
      every: { anyOf: [{ type: 'integer', minimum: 1 }, { type: 'null' }], title: 'Every', 'x-null': 'every epoch' },
    },
    required: ['size', 'every'],
  },
  presets: [{ name: 'first', title: 'First', config: { size: 1, every: null } }],
  trainers: [{ name: 'box', connected: true }],
};
const open = (you: (typeof people)[keyof typeof people]) =>
  mount(new TestRun(you), <NewRunDialog open you={you} onClose={() => {}} trainers={[]} />);

beforeEach(() => {
  went.length = 0;
  said.length = 0;
  localStorage.clear();
  server.answers.clear();
  server.answers.set('runs.recipes', () => [recipe]);
  server.answers.set('runs.columns', () => ({ projects: [], settings: [], series: [], results: [] }));
  server.answers.set('runs.check', () => ({ problems: [] }));
});
afterEach(cleanup);

it('a viewer is told why there is no form, and who can change that', async () => {
  open(people.vic);
  await screen.findByText('Vic (viewer) may not start runs. An admin can change the role on the Team page.');
  expect(screen.queryByRole('form')).toBeNull();
});

it('whoever loses the role keeps what was typed, and is told when it is sent', async () => {
  server.answers.set('runs.create', () => refuse([{ field: '', message: 'Vic (viewer) may not start runs' }]));
  const run = new TestRun(people.ada);
  const dialog = (you: (typeof people)[keyof typeof people]) => <NewRunDialog open you={you} onClose={() => {}} trainers={[]} />;
  const { rerender } = mount(run, dialog(people.ada));
  await user.type(await screen.findByRole('textbox', { name: 'Name' }), ' by night');
  rerender(inRun(run, dialog(people.vic)));
  expect(screen.getByRole<HTMLInputElement>('textbox', { name: 'Name' }).value).toBe('Sort by night');
  await user.click(screen.getByRole('button', { name: 'Start run' }));
  await screen.findByText('Vic (viewer) may not start runs');
});

it('without a recipe it names the command that brings one', async () => {
  server.answers.set('runs.recipes', () => []);
  open(people.ada);
  const line = await screen.findByRole<HTMLTextAreaElement>('textbox', { name: 'the command that starts server and trainer' });
  expect(line.value).toBe('HEADROOM_TRAINERS=1 npm start');
});

it('a start that is refused for one field flags the other wrong fields too', async () => {
  server.answers.set('runs.check', () => ({ problems: [{ field: 'config.size', message: 'Size: -5 does not fit' }] }));
  server.answers.set('runs.create', () => refuse([{ field: 'setup.name', message: 'give the run a name' }]));
  open(people.ada);
  await user.clear(await screen.findByRole('textbox', { name: 'Name' }));
  await user.clear(screen.getByRole('textbox', { name: 'Size' }));
  await user.type(screen.getByRole('textbox', { name: 'Size' }), '-5');
  await user.click(screen.getByRole('button', { name: 'Start run' }));
  await screen.findByText('2 fields do not fit.');
  screen.getByText('give the run a name');
  screen.getByText('Size: -5 does not fit');
});

const created = () => server.asked.filter((a) => a.path === 'runs.create');

it('a sweep that is refused half way goes on where it stopped, and starts no run twice', async () => {
  server.answers.set('runs.create', () =>
    created().length === 2 ? refuse([{ field: '', message: 'the disk is full' }]) : { runId: 'run002' },
  );
  open(people.ada);
  const size = await screen.findByRole('textbox', { name: 'Size' });
  await user.clear(size);
  await user.type(size, '1, 2, 3');
  await user.click(screen.getByRole('button', { name: 'Start 3 runs' }));
  await screen.findByText('1 of 3 runs were started; then:');
  await user.click(await screen.findByRole('button', { name: 'Start the other 2' }));
  await expect.poll(() => went.length).toBe(1);
  const asked = created().map((a) => a.input as { runId: string; setup: { config: { size: number } } });
  expect(asked.map(({ setup }) => setup.config.size)).toEqual([1, 2, 2, 3]);
  // The answer to the second may have been lost on its way: with its id it is not started again.
  const [first, second, again, third] = asked.map(({ runId }) => runId);
  expect([again, new Set([first, second, third]).size]).toEqual([second, 3]);
});

it('closing the form ends a sweep after the run that is being started, says so, and leaves the person on the page', async () => {
  const gate: (() => void)[] = [];
  server.answers.set('runs.create', () => new Promise((resolve) => gate.push(() => resolve({ runId: 'run002' }))));
  const { unmount } = open(people.ada);
  const size = await screen.findByRole('textbox', { name: 'Size' });
  await user.clear(size);
  await user.type(size, '1, 2, 3');
  await user.click(screen.getByRole('button', { name: 'Start 3 runs' }));
  await expect.poll(() => gate.length).toBe(1);
  unmount();
  gate[0]!();
  await expect
    .poll(() => said)
    .toEqual([expect.stringMatching(/^The form was closed: 1 of 3 runs of Sort sweep .* were started$/)]);
  expect([created().length, went]).toEqual([1, []]);
});

it('a field that may be null says that it may be empty', async () => {
  open(people.ada);
  await screen.findByText(/A whole number >= 1 or empty \(every epoch\)\./);
});

it.each([
  [[], 400, 'About less than a second: Monday took less than a second on wasm.'],
  [[], 61_000, 'About 1:01: Monday took 1:01 on wasm.'],
  [['Epochs'], 61_000, 'Monday took 1:01 on wasm; it differs in Epochs.'],
])('a run that differs in %j and took %i ms is no promise for another', async (differs, ms, words) => {
  server.answers.set('runs.estimate', () => ({ ms, runId: 'r', name: 'Monday', backend: 'wasm', differs }));
  open(people.ada);
  await screen.findByText(words);
});

it('says about how much memory the run takes, and that no trainer has as much', async () => {
  const box = { id: 't', name: 'box', host: 'h', connected: true, runId: null, opened: [], recipes: ['Sort'], memoryBytes: 8e9 };
  const schema = { ...recipe.schema, 'x-memory': [{ bytes: 1e9, times: ['size'], per: [] }] };
  server.answers.set('runs.recipes', () => [{ ...recipe, schema }]);
  mount(new TestRun(people.ada), <NewRunDialog open you={people.ada} onClose={() => {}} trainers={[box]} />);
  await screen.findByText('It takes about 1.0 GB of memory.');
  await user.clear(screen.getByRole('textbox', { name: 'Size' }));
  await user.type(screen.getByRole('textbox', { name: 'Size' }), '2, 9');
  await screen.findByText(
    'The largest takes about 9.0 GB of memory, and the trainer has 8.0 GB. Compute a batch in more parts, or make the model smaller.',
  );
});
