import { describe, expect, it } from 'vitest';
import { familyOf } from '~/server/runs/family';
import type { RunSummary } from '~/shared/summary';

const run = (runId: string, parent: string | null, step = 0, createdAt = 0): RunSummary =>
  ({ runId, createdAt, parent: parent && { runId: parent, step, checkpoint: { hash: '', bytes: 0 } } }) as RunSummary;
const listed = (...given: Parameters<typeof familyOf>) => {
  const { members, leftOut } = familyOf(...given);
  return [members.map(({ run: { runId }, depth }) => [runId, depth]), leftOut];
};

describe('the tree of a run', () => {
  it('from its first ancestor that is here, each branch below its parent, earlier forks first', () => {
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
    for (const of of ['grandchild', 'root', 'late']) expect(listed(runs, of)).toEqual([tree, 0]);
    expect(listed(runs, 'other')).toEqual([[['other', 0]], 0]);
    expect(listed(runs, 'unknown')).toEqual([[], 0]);
  });

  it('of a large one: the run, its nearest ancestors, then the first of the others', () => {
    const many = [run('root', null), ...Array.from({ length: 300 }, (_, n) => run(`branch${n}`, 'root', n))];
    expect(listed(many, 'branch299', 4)).toEqual([
      [
        ['root', 0],
        ['branch0', 1],
        ['branch1', 1],
        ['branch299', 1],
      ],
      297,
    ]);
    const chain = Array.from({ length: 20_000 }, (_, n) => run(`run${n}`, n > 0 ? `run${n - 1}` : null));
    expect(listed(chain, 'run19999', 3)).toEqual([
      [
        ['run19997', 19_997],
        ['run19998', 19_998],
        ['run19999', 19_999],
      ],
      19_997,
    ]);
  });
});
