import { describe, expect, it } from 'vitest';
import { Turns } from '~/server/base/turns';

/** Works that say when they begin, and end when they are told to. */
function works(turns: Turns) {
  const began: string[] = [];
  return {
    began,
    add(name: string) {
      const doing: string[] = [];
      const controller = new AbortController();
      let end = () => {};
      const job = { signal: controller.signal, progress: (at: { doing: string }) => void doing.push(at.doing) };
      const done = turns.during(job, () => {
        began.push(name);
        return new Promise<string>((resolve) => {
          end = () => resolve(name);
        });
      });
      return { done, doing, cancel: () => controller.abort(new Error('canceled')), end: () => end() };
    },
  };
}

describe('works that take turns', () => {
  it('wait in the order in which they came, and say how many are before them', async () => {
    const turns = new Turns('exports', 2);
    const { began, add } = works(turns);
    const [a, b, c, d] = [add('a'), add('b'), add('c'), add('d')];
    await expect.poll(() => began).toEqual(['a', 'b']);
    expect([a, b, c, d].map(({ doing }) => doing)).toEqual([
      [],
      [],
      ['waiting for 2 other exports'],
      ['waiting for 3 other exports'],
    ]);
    b.end();
    expect(await b.done).toBe('b');
    await expect.poll(() => began).toEqual(['a', 'b', 'c']);
    a.end();
    await expect.poll(() => began).toEqual(['a', 'b', 'c', 'd']);
    c.end();
    d.end();
    await Promise.all([a.done, c.done, d.done]);
    expect(turns.idle).toBe(true);
  });

  it('one that is canceled while it waits ends at once, and keeps nobody waiting', async () => {
    const turns = new Turns('imports', 1);
    const { began, add } = works(turns);
    const [a, b, c] = [add('a'), add('b'), add('c')];
    b.cancel();
    await expect(b.done).rejects.toThrow('canceled');
    c.cancel();
    a.end();
    await Promise.all([a.done, expect(c.done).rejects.toThrow('canceled')]);
    expect([began, turns.idle]).toEqual([['a'], true]);
  });

  it('the place of one that failed is given on', async () => {
    const turns = new Turns('imports', 1);
    const { add } = works(turns);
    const job = { signal: new AbortController().signal, progress: () => {} };
    const failed = turns.during(job, () => Promise.reject(new Error('no such file')));
    const next = add('next');
    await expect(failed).rejects.toThrow('no such file');
    await expect
      .poll(() => {
        next.end();
        return turns.idle;
      })
      .toBe(true);
    expect(await next.done).toBe('next');
  });
});
