// @vitest-environment jsdom
import { render } from '@testing-library/react';
import { expect, it, vi } from 'vitest';
import { Toasts } from '~/app/_components/Toasts';

const loads = vi.hoisted(() => ({ count: 0 }));
vi.mock('~/app/_components/ToastsBody', () => {
  loads.count++;
  return { default: () => null };
});

it('the script of messages is loaded before there is one, once the page has been open for 5 s', async () => {
  vi.useFakeTimers();
  const { unmount } = render(<Toasts />);
  await vi.advanceTimersByTimeAsync(4_999);
  expect(loads.count).toBe(0);
  await vi.advanceTimersByTimeAsync(1);
  vi.useRealTimers();
  await expect.poll(() => loads.count).toBe(1);
  unmount();
});
