// @vitest-environment jsdom
import { cleanup, render, screen } from '@testing-library/react';
import { createRef } from 'react';
import { afterEach, expect, it } from 'vitest';
import { Legend } from '~/app/_charts/Legend';
import { usePalette } from '~/app/_charts/palette';

afterEach(cleanup);

function Shown({ missing }: { missing: string[] }) {
  return (
    <Legend
      ref={createRef()}
      lines={[{ name: 'loss', label: 'loss', color: 0, curve: () => null }]}
      points={[]}
      rule={null}
      missing={missing}
      palette={usePalette()}
      hidden={new Set()}
      onToggle={() => {}}
    />
  );
}
const legend = (missing: string[]) => render(<Shown missing={missing} />);
const items = () => screen.getAllByRole('listitem').map((item) => item.textContent);

it('series of the chart that are not there stand beside those that are', () => {
  legend(['valid/loss', 'test/loss']);
  expect(items()).toEqual(['loss', 'no valid/loss, test/loss']);
  screen.getByTitle('There is no series valid/loss, test/loss here.');
  cleanup();
  legend(['a', 'b', 'c', 'd', 'e']);
  expect(items()).toEqual(['loss', 'no a, b, c and 2 more']);
  cleanup();
  legend([]);
  expect(items()).toEqual(['loss']);
});
