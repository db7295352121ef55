import { expect, it } from 'vitest';
import { decodePlan, moved, noPlan, planned, withChart, withoutChart } from '~/app/_live/chartPlan';

const charts = ['loss', 'accuracy', 'gradNorm'].map((id) => ({ id }));
const ids = (plan: typeof noPlan) => planned(plan, charts).map((c) => c.id);
const own = { id: 'loss', title: 'both', series: ['loss', 'val'], range: [0, null] } as const;

it('charts move one place, and not beyond the first and the last', () => {
  const later = moved(noPlan, ids(noPlan), 'loss', 1);
  expect(ids(later)).toEqual(['accuracy', 'loss', 'gradNorm']);
  expect(ids(moved(later, ids(later), 'loss', 1))).toEqual(['accuracy', 'gradNorm', 'loss']);
  expect(moved(noPlan, ids(noPlan), 'loss', -1)).toBe(noPlan);
  expect(moved(noPlan, ids(noPlan), 'gradNorm', 1)).toBe(noPlan);
});

it('a chart of the page is taken away and comes back; one that was made, or changed, is gone', () => {
  expect(ids(withoutChart(noPlan, 'loss', false))).toEqual(['accuracy', 'gradNorm']);
  expect(withoutChart(withChart(noPlan, own), 'loss', true)).toEqual(noPlan);
});

it('a chart that is saved again takes its own place', () => {
  const twice = withChart(withChart(noPlan, own), { ...own, title: 'again' });
  expect(twice.own.map((c) => c.title)).toEqual(['again']);
});

it.each(['', '{', '[]', '{"own":[{"id":1}],"hidden":[],"order":[]}', '{"own":[],"hidden":"loss","order":[]}'])(
  'a link with %s has no plan',
  (text) => {
    expect(decodePlan(text)).toEqual(noPlan);
  },
);
