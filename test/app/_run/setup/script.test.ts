import { createElement } from 'react';
import { renderToStaticMarkup } from 'react-dom/server';
import { expect, it } from 'vitest';
import { GivenRun } from '~/app/_live/RunProvider';
import type { RunStore } from '~/app/_live/types';
import { Script } from '~/app/_run/setup/Script';
import { emptyView, fold } from '~/shared/fold';
import { publishedSetup } from '~/test/support/setups';

const actor = { id: 'token-1', name: 'lab', role: 'trainer' } as const;
const config = { lr: 3e-4, model: { layers: 2, sizes: [8, 16] }, constructor: 'x' };
const setup = { name: 'char gpt', project: 'lm', group: 'sweep 7', tags: ['nightly'], recipe: null, config };

function shown(recipe: boolean, failed: boolean): string {
  const created = {
    type: 'run.created',
    setup: recipe ? publishedSetup('reverse') : setup,
    actor,
    parent: null,
    openKey: 'a hash',
  } as const;
  let view = emptyView('abc1234567', { seq: 1, attempt: 0, at: 1, event: created });
  const trainer = { id: 'p1', name: 'train.py', host: 'gpu-3' };
  const say = (event: object) => {
    view = fold(view, { seq: view.seq + 1, attempt: 1, at: 2, event } as never);
  };
  say({ type: 'run.assigned', attempt: 1, trainer, fromStep: 0, checkpoint: null, keepSeq: 1 });
  say({ type: 'status', status: 'running', step: 0, message: '' });
  if (failed) say({ type: 'status', status: 'failed', step: 0, message: 'no', traceback: 'Traceback: line 7 <in> train.py' });
  const store = { runId: view.runId, get: () => ({ view }), subscribe: () => () => {} } as unknown as RunStore;
  // biome-ignore lint/correctness/noChildrenProp: the component's type asks for it.
  return renderToStaticMarkup(createElement(GivenRun, { store, children: createElement(Script) }));
}

it('of a run of a recipe there is nothing to say', () => {
  expect(shown(true, false)).toBe('');
});

it('says who the script is and that its process is there; its settings are in the list beside it', () => {
  const html = shown(false, false);
  for (const text of ['train.py on gpu-3', 'is connected', 'nightly']) expect(html).toContain(text);
  expect(html).not.toContain('layers');
  expect(html).not.toContain('resume =');
});

it('of one that failed it shows the traceback as text, and how to start it again', () => {
  const html = shown(false, true);
  expect(html).toContain('Traceback: line 7 &lt;in&gt; train.py');
  expect(html).toContain('resume = &quot;allow&quot;');
});
