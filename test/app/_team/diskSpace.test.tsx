// @vitest-environment jsdom
import { cleanup, screen, waitFor, within } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { TRPCClientError } from '@trpc/client';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { binaryBytes } from '~/app/_components/format';
import { RuleButtons } from '~/app/_run/activity/RuleButtons';
import { DiskSpaceForm } from '~/app/_team/DiskSpace';
import { mount, people, TestRun } from '~/test/support/component';
import { server } from '~/test/support/stubServer';

vi.mock('~/app/_trpc/links', () => import('~/test/support/stubServer'));

afterEach(cleanup);

const gib = 2 ** 30;
const field = (what: string) => screen.findByRole('textbox', { name: `${what} of a run take at most` });
const save = () => screen.getByRole('button', { name: 'Save: limits' });
const sent = () => server.asked.filter(({ path }) => path === 'retention.set').map(({ input }) => input);

describe('the disk space of each run', () => {
  beforeEach(() => {
    server.answers.set('retention.get', () => ({ quotaBytes: 4 * gib, checkpointBytes: gib / 2 }));
    server.answers.set('retention.use', () => ({
      quotaBytes: { count: 1200, bytes: 3 * gib },
      checkpointBytes: { count: 12, bytes: gib / 4 },
      unlimited: { count: 40, bytes: gib / 2 },
    }));
    server.answers.set('retention.set', () => ({}));
  });

  it('shows the limits in GiB, what this run takes, what is always kept, and how much a lower limit takes away', async () => {
    mount(new TestRun(people.ada), <DiskSpaceForm editable runId="run001" />);
    const snapshots = (await field('Snapshots')) as HTMLInputElement;
    expect([snapshots.value, ((await field('Checkpoints')) as HTMLInputElement).value]).toEqual(['4', '0.5']);
    expect((await screen.findByTestId('use-quotaBytes')).textContent).toBe('This run takes 3 GiB: 1,200 snapshots.');
    expect(screen.getByTestId('use-checkpointBytes').textContent).toBe('This run takes 256 MiB: 12 checkpoints.');
    screen.getByText('Samples and answers to questions of this run take 512 MiB: 40 files.');
    expect(snapshots.getAttribute('aria-describedby')).not.toBeNull();
    screen.getByText(/^Always kept: the first, the newest five,/);
    await userEvent.clear(snapshots);
    await userEvent.type(snapshots, '2');
    // 3 GiB less nine tenths of 2 GiB.
    expect(screen.getByTestId('use-quotaBytes').textContent).toBe(
      'This run takes 3 GiB: 1,200 snapshots. With this limit about 1.2 GiB of them go.',
    );
    await userEvent.click(save());
    expect(sent()).toEqual([{ quotaBytes: 2 * gib, expected: { quotaBytes: 4 * gib } }]);
    await screen.findByText('This run takes 3 GiB: 1,200 snapshots.');
  });

  it('in the dialog of a run stand below its title, which is said once and cannot be folded away', async () => {
    mount(new TestRun(people.ada), <RuleButtons />);
    await userEvent.click(screen.getByRole('button', { name: 'Disk space of this run' }));
    await field('Snapshots');
    const dialog = screen.getByRole('dialog', { name: 'Disk space of this run' });
    expect(
      within(dialog)
        .getAllByRole('heading')
        .map((h) => h.textContent),
    ).toEqual(['Disk space of this run']);
  });

  it.each([
    ['some', 'give a number of GiB, e.g. 4 or 0.5'],
    ['0,5', 'give a number of GiB, e.g. 4 or 0.5'],
    ['0', 'give at least 0.001 GiB (1 MiB), not 0'],
    ['9e9', 'give at most 8,000,000 GiB, not 9e9'],
  ])('"%s" is refused beside its field, and nothing is sent', async (text, message) => {
    mount(new TestRun(people.ada), <DiskSpaceForm editable />);
    const input = await field('Checkpoints');
    await userEvent.clear(input);
    await userEvent.type(input, text);
    expect(input.getAttribute('aria-invalid')).toBe('true');
    screen.getByText(message);
    await userEvent.click(save());
    expect(sent()).toEqual([]);
  });

  it('a refusal of the server stands beside the field that it names, and the text stays', async () => {
    server.answers.set('retention.set', () => {
      throw Object.assign(new TRPCClientError('checkpointBytes: the disk is smaller'), { data: { field: 'checkpointBytes' } });
    });
    mount(new TestRun(people.ada), <DiskSpaceForm editable />);
    const input = (await field('Checkpoints')) as HTMLInputElement;
    await userEvent.clear(input);
    await userEvent.type(input, '9');
    await userEvent.click(save());
    await screen.findByText('checkpointBytes: the disk is smaller');
    expect([input.value, input.getAttribute('aria-invalid')]).toEqual(['9', 'true']);
  });

  it('a limit that another admin changed meanwhile is not overwritten: it is shown with who and what, and what was typed stays', async () => {
    let stored = { quotaBytes: 4 * gib, checkpointBytes: gib / 2 };
    server.answers.set('retention.get', () => stored);
    server.answers.set('retention.set', (input) => {
      const { expected, ...wish } = input as Partial<typeof stored> & { expected: Partial<typeof stored> };
      if (expected.quotaBytes !== stored.quotaBytes)
        throw {
          error: {
            code: -32600,
            message: 'expected: Bob changed these limits after you had read them',
            data: { field: 'expected' },
          },
        };
      stored = { ...stored, ...wish };
      return stored;
    });
    mount(new TestRun(people.ada), <DiskSpaceForm editable />);
    const snapshots = (await field('Snapshots')) as HTMLInputElement;
    await userEvent.clear(snapshots);
    await userEvent.type(snapshots, '2');
    stored = { quotaBytes: 8 * gib, checkpointBytes: gib };
    await userEvent.click(save());
    expect((await screen.findByRole('alert')).textContent).toBe(
      'Bob changed these limits after you had read them: Snapshots: 4 GiB → 8 GiB; Checkpoints: 512 MiB → 1 GiB. Your own changes stand here on top of theirs: look at them, and save again.',
    );
    expect([snapshots.value, stored.quotaBytes]).toEqual(['2', 8 * gib]);
    await userEvent.click(save());
    await waitFor(() => expect(stored).toEqual({ quotaBytes: 2 * gib, checkpointBytes: gib }));
    await waitFor(() => expect(screen.queryByRole('alert')).toBeNull());
  });

  it('who is no admin reads the limits and cannot change them', async () => {
    mount(new TestRun(people.vic), <DiskSpaceForm editable={false} />);
    expect(((await field('Snapshots')) as HTMLInputElement).disabled).toBe(true);
    screen.getByText('An admin changes the limits.');
    expect(screen.queryByRole('button', { name: 'Save: limits' })).toBeNull();
  });

  it.each([
    [4 * gib, '4 GiB'],
    [1.5 * gib, '1.5 GiB'],
    [2 ** 20, '1 MiB'],
    [0, '0 MiB'],
  ])('%d bytes are %s', (bytes, text) => {
    expect(binaryBytes(bytes)).toBe(text);
  });
});
