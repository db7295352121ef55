// @vitest-environment jsdom
import { act, render, screen } from '@testing-library/react';
import { expect, it } from 'vitest';
import { VirtualList } from '~/app/_components/VirtualList';

it('of a long list the lines in sight are drawn, on paper all', () => {
  const items = Array.from({ length: 200 }, (_, i) => i);
  render(
    <VirtualList items={items} keyOf={(i) => i} label="Numbers">
      {(i) => <p>line {i}</p>}
    </VirtualList>,
  );
  const drawn = () => screen.queryAllByText(/^line \d+$/).length;
  const onScreen = drawn();
  expect(onScreen).toBeLessThan(100);
  act(() => void dispatchEvent(new Event('beforeprint')));
  expect(drawn()).toBe(200);
  act(() => void dispatchEvent(new Event('afterprint')));
  expect(drawn()).toBe(onScreen);
});
