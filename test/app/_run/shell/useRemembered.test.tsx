// @vitest-environment jsdom
import { act, cleanup } from '@testing-library/react';
import { afterEach, expect, it, vi } from 'vitest';
import { chartChoices } from '~/app/_live/chartSettings';
import { kept } from '~/app/_live/kept';
import { choices } from '~/app/_live/remembered';
import { workspace } from '~/app/_live/workspace';
import { useRemembered } from '~/app/_run/shell/useRemembered';
import { mount, people, TestRun } from '~/test/support/component';

vi.mock('~/app/_trpc/links', () => import('~/test/support/stubServer'));
afterEach(() => {
  cleanup();
  localStorage.clear();
});

function Remembers() {
  useRemembered();
  return null;
}

it('an open page keeps its arrangement while the person arranges another one; the charts of one run are alike on both', async () => {
  mount(new TestRun(people.ada), <Remembers />);
  const values = { workspace: 'layout=watch', charts: '[["other","smooth=5"]]' };
  const stop = choices.connect({ read: async () => ({ person: 'ada', values }), write: async () => {} }, () => () => {});
  const shown = () => [workspace.get().layout, chartChoices.get().smoothSteps];
  await vi.waitFor(() => expect(shown()).toEqual(['watch', 5]));
  /** As the other page stores it. */
  const stored = (key: string, value: string) => {
    kept.set(`headroom.ada.${key}`, value);
    act(() => choices.look(false));
  };
  stored('workspace', 'layout=present');
  stored('charts', '[["run001","smooth=5"],["other","smooth=20"]]');
  expect(shown()).toEqual(['watch', 5]);
  stored('charts', '[["other","smooth=20"],["run001","smooth=50"]]');
  expect(shown()).toEqual(['watch', 50]);
  stop();
});
