// @vitest-environment jsdom
import { act, cleanup, fireEvent, render, screen } from '@testing-library/react';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { HoldButton } from '~/app/_run/steering/HoldButton';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => {
  cleanup();
  vi.useRealTimers();
});

it('acts once after a second; not when it is let go, or disabled, before', () => {
  let acted = 0;
  const button = (disabled: boolean) => (
    <HoldButton onHeld={() => acted++} disabled={disabled}>
      Revert
    </HoldButton>
  );
  const { rerender } = render(button(false));
  const held = () => screen.getByRole('button');
  const pass = (ms: number) => act(() => void vi.advanceTimersByTime(ms));
  fireEvent.keyDown(held(), { key: 'Enter' });
  pass(999);
  fireEvent.keyUp(held(), { key: 'Enter' });
  pass(5000);
  expect(acted).toBe(0);
  fireEvent.keyDown(held(), { key: 'Enter' });
  pass(999);
  rerender(button(true));
  pass(5000);
  expect(acted).toBe(0);
  rerender(button(false));
  fireEvent.keyDown(held(), { key: 'Enter' });
  pass(5000);
  expect(acted).toBe(1);
});
