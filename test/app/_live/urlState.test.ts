import fc from 'fast-check';
import { expect, it } from 'vitest';
import { attentionViewSchema, defaultAttentionView } from '~/app/_live/attentionView';
import { chartDefaults } from '~/app/_live/chartSettings';
import { beside, tileOf } from '~/app/_live/tiles';
import { fromQuery, toQuery, type UrlState } from '~/app/_live/urlState';
import { arranged, startWorkspace } from '~/app/_live/workspace';

const start: UrlState = {
  step: null,
  zoom: null,
  charts: chartDefaults,
  attention: defaultAttentionView,
  workspace: startWorkspace,
};

/** For every field, values that are not its default, those that look like nothing (0, false, null, '') among them. */
const changes: { [K in keyof UrlState]: UrlState[K][] } = {
  step: [0, 1, 1_000_000, -7],
  zoom: [
    [-20, -5],
    [0, 1],
    [0.5, 2000],
    [120, 340],
  ],
  charts: [
    { ...chartDefaults, smoothSteps: 0 },
    { ...chartDefaults, log: true },
    { ...chartDefaults, robust: true },
    { ...chartDefaults, x: 'epoch' },
    { ...chartDefaults, logX: true },
    { ...chartDefaults, search: 'a&b=c?^(loss|é)$ +' },
    { ...chartDefaults, open: ['gradient norm', 'a,b', '100 %'] },
    { ...chartDefaults, gradients: 'lines' },
    {
      ...chartDefaults,
      plan: { own: [{ id: 'own 1', title: 'a&b', series: ['loss'], range: [0, null] }], hidden: [], order: ['own 1'] },
    },
  ],
  attention: [
    { ...defaultAttentionView, source: { example: 3 } },
    { ...defaultAttentionView, source: 'spread' },
    { ...defaultAttentionView, byRole: false },
    { ...defaultAttentionView, scale: 'lift' },
    { ...defaultAttentionView, palette: 'gray' },
    { ...defaultAttentionView, reference: { step: 0 } },
    { ...defaultAttentionView, reference: { layer: 0, head: 0 } },
    { ...defaultAttentionView, hidden: ['0.0', '3.1'] },
    { ...defaultAttentionView, operation: 'std' },
    { ...defaultAttentionView, signal: 'entropy' },
    { ...defaultAttentionView, mass: 0.9 },
    { ...defaultAttentionView, flip: true },
    { ...defaultAttentionView, mistakesOnly: true },
    { ...defaultAttentionView, asTable: true },
    { ...defaultAttentionView, pinned: { layer: 0, head: 0, query: 0, key: 0 } },
    { ...defaultAttentionView, pinned: { layer: 1, head: null, query: null, key: 2 } },
    { ...defaultAttentionView, heads: 'scatter' },
    { ...defaultAttentionView, axes: ['entropy', 'a&b'] },
    { ...defaultAttentionView, likeness: { with: null, sorted: false } },
    { ...defaultAttentionView, likeness: { with: 'abc123', sorted: true } },
    { ...defaultAttentionView, flow: { mass: 0, rollout: true } },
    { ...defaultAttentionView, tile: 'min' },
    {
      ...defaultAttentionView,
      comparison: {
        panes: [
          { run: null, at: 'linked', source: { example: 0 }, head: null },
          { run: 'abc123', at: { step: 0 }, source: 'mean', head: { layer: 0, head: 0 } },
        ],
        align: 'equal loss',
        scale: 'shared',
        minus: [0, 1],
        lead: { run: 'abc123', step: 0, own: 0 },
      },
    },
  ],
  workspace: [
    arranged('watch'),
    arranged('present'),
    { ...startWorkspace, center: tileOf('attention') },
    { ...arranged('review'), center: beside(tileOf('attention', 'samples'), tileOf('curves'), 70) },
    { ...startWorkspace, side: null },
    { ...startWorkspace, side: 'notes', lanes: false },
  ],
};

it('a link with nothing chosen is bare', () => {
  expect(toQuery(start)).toBe('');
  expect(fromQuery('')).toEqual(start);
});

for (const field of Object.keys(changes) as (keyof UrlState)[])
  for (const value of changes[field])
    it(`${field} ${JSON.stringify(value)} comes back from its link`, () => {
      const state = { ...start, [field]: value };
      expect(fromQuery(toQuery(state))).toEqual(state);
    });

it('each field of charts and attention has a case that changes it', () => {
  for (const [defaults, cases] of [
    [chartDefaults, changes.charts],
    [defaultAttentionView, changes.attention],
  ] as const)
    for (const key of Object.keys(defaults))
      expect(
        cases.some((c) => JSON.stringify(c[key as never]) !== JSON.stringify(defaults[key as never])),
        key,
      ).toBe(true);
  expect(Object.keys(attentionViewSchema.shape)).toEqual(Object.keys(defaultAttentionView));
});

it('all fields together come back from one link', () => {
  const seed = 7;
  fc.assert(
    fc.property(
      fc.record(
        Object.fromEntries(Object.entries(changes).map(([key, values]) => [key, fc.constantFrom(...(values as unknown[]))])),
      ),
      (state) => {
        expect(fromQuery(toQuery(state as unknown as UrlState))).toEqual(state);
      },
    ),
    { seed },
  );
});

it('links of version 0.1 with two panels still open', () => {
  const { workspace } = fromQuery('layout=review&tabs=attention,curves&split=70');
  expect(workspace).toEqual({ ...arranged('review'), center: beside(tileOf('attention'), tileOf('curves'), 70) });
  expect(fromQuery('layout=review&split=45').workspace.center).toEqual(beside(tileOf('curves'), tileOf('attention'), 45));
});

it.each([
  'step=-1.5',
  'step=abc',
  'step=1e99',
  'zoom=5',
  'zoom=9-3',
  'zoom=a-b',
  'attention={',
  'attention=[]',
  'layout=grand',
  'tabs=<b>',
  'split=3',
  'split=wide',
  'side=<b>',
  'smooth=-1',
])('%s makes no sense and is left at its default', (query) => {
  expect(fromQuery(query)).toEqual(start);
});
