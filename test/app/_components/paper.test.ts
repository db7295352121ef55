// @vitest-environment jsdom
import { expect, it, vi } from 'vitest';
import '~/app/_components/paper';

it('the keys for printing are those of the system, and are not taken from the browser otherwise', async () => {
  const print = vi.fn();
  vi.stubGlobal('print', print);
  const taken = (platform: string, keys: KeyboardEventInit) => {
    vi.stubGlobal('navigator', { platform });
    const event = new KeyboardEvent('keydown', { key: 'p', cancelable: true, ...keys });
    dispatchEvent(event);
    return event.defaultPrevented;
  };
  expect(taken('MacIntel', { ctrlKey: true })).toBe(false);
  expect(taken('Linux x86_64', { metaKey: true })).toBe(false);
  expect(taken('Win32', { ctrlKey: true, shiftKey: true })).toBe(false);
  expect(taken('Win32', {})).toBe(false);
  expect(taken('MacIntel', { metaKey: true })).toBe(true);
  await expect.poll(() => print.mock.calls.length).toBe(1);
  dispatchEvent(new Event('afterprint'));
  expect(taken('Win32', { ctrlKey: true })).toBe(true);
  await expect.poll(() => print.mock.calls.length).toBe(2);
});
