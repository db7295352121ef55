// @vitest-environment jsdom
import { act, render } from '@testing-library/react';
import { expect, it } from 'vitest';
import { Ago } from '~/app/_components/Ago';
import { serverTime } from '~/app/_live/serverTime';

it("a time is told by the server's clock as soon as the server has said its time, however wrong this computer's clock is", () => {
  const hour = 3_600_000;
  const server = Date.now() + 24 * hour;
  const { container, unmount } = render(<Ago at={server - hour} />);
  act(() => serverTime.hear(server, Date.now(), performance.now()));
  expect(container.textContent).toBe('1 h');
  unmount();
});
