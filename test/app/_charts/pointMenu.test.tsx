// @vitest-environment jsdom
import { cleanup, render, screen } from '@testing-library/react';
import { userEvent } from '@testing-library/user-event';
import { afterEach, expect, it, vi } from 'vitest';
import { PointMenu } from '~/app/_charts/ChartMenu';
import { xMap } from '~/app/_charts/xMap';
import { createCursor } from '~/app/_live/cursor';
import { toast } from '~/app/_live/toast';
import '~/test/support/patience';

afterEach(cleanup);

it('a value is copied from the menu of a chart; where the browser has no clipboard (plain HTTP), it is shown', async () => {
  const user = userEvent.setup({ delay: null });
  const said = [
    vi.spyOn(toast, 'success').mockImplementation(() => {}),
    vi.spyOn(toast, 'info').mockImplementation(() => {}),
  ].map((spy) => spy.mock.calls);
  const copy = async () => {
    render(
      <PointMenu
        at={{ step: 7, readings: [{ name: 'loss', label: 'loss', value: 0.123456789 }], clientX: 0, clientY: 0 }}
        what={{ map: xMap('step', 1, []), percent: false, cursor: createCursor() }}
        save={() => {}}
        onClose={() => {}}
      />,
    );
    await user.click(await screen.findByRole('menuitem', { name: 'Copy loss: 0.123457' }));
    cleanup();
  };
  await copy();
  expect(await navigator.clipboard.readText()).toBe('0.123456789');
  vi.stubGlobal('navigator', Object.create(navigator, { clipboard: { value: undefined } }));
  await copy();
  vi.unstubAllGlobals();
  expect(said).toEqual([[['Copied']], [['0.123456789', expect.anything()]]]);
});
