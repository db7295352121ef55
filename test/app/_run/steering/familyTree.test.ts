import { expect, it } from 'vitest';
import { familyOf } from '~/app/_run/steering/familyTree';
import type { RunSummary } from '~/shared/summary';

const run = (runId: string, parent: string | null, step = 0, createdAt = 0): RunSummary =>
  ({ runId, createdAt, parent: parent && { runId: parent, step, checkpoint: { hash: '', bytes: 0 } } }) as RunSummary;

it('the tree of a run: from its first ancestor that is here, each branch below its parent, earlier forks first', () => {
  const runs = [
    run('late', 'root', 50),
    run('other', null),
    run('root', 'deleted', 5),
    run('second', 'root', 10, 2),
    run('first', 'root', 10, 1),
    run('grandchild', 'first', 20),
  ];
  const tree = [
    ['root', 0],
    ['first', 1],
    ['grandchild', 2],
    ['second', 1],
    ['late', 1],
  ];
  for (const of of ['grandchild', 'root', 'late'])
    expect(familyOf(runs, of).map(({ run: { runId }, depth }) => [runId, depth])).toEqual(tree);
  expect(familyOf(runs, 'other').map((m) => m.run.runId)).toEqual(['other']);
  expect(familyOf(runs, 'unknown')).toEqual([]);
});
