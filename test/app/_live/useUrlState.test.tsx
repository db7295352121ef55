// @vitest-environment jsdom
import { renderHook } from '@testing-library/react';
import { beforeEach, expect, it } from 'vitest';
import { attentionView, defaultAttentionView } from '~/app/_live/attentionView';
import { chartChoices, chartDefaults } from '~/app/_live/chartSettings';
import { useUrlState } from '~/app/_live/useUrlState';

const leftByAnotherRun = () => {
  attentionView.set({ hidden: ['0.0', '2.3'], reference: { step: 40 }, source: { example: 2 } });
  chartChoices.set({ search: 'grad', x: 'series:tokens', open: ['optimizer'] });
};

beforeEach(leftByAnotherRun);

it("a run that is opened without a link shows its own heads and series, not those chosen on another run's page", () => {
  history.replaceState(null, '', '/runs/abcdef');
  const { unmount } = renderHook(useUrlState);
  expect(attentionView.get()).toEqual(defaultAttentionView);
  expect(chartChoices.get()).toEqual(chartDefaults);
  unmount();
});

it('a link that says nothing of charts shows those of a run that was just opened', () => {
  history.replaceState(null, '', '/runs/abcdef?step=5');
  const { unmount } = renderHook(useUrlState);
  expect(attentionView.get()).toEqual(defaultAttentionView);
  expect(chartChoices.get()).toEqual(chartDefaults);
  unmount();
});
