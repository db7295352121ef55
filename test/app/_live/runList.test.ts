import { expect, it } from 'vitest';
import { createRunList } from '~/app/_live/runList';
import type { Host } from '~/app/_live/runStore';
import type { Wire, WireListener } from '~/app/_live/wire';
import { emptyView } from '~/shared/fold';
import type { Actor } from '~/shared/ids';
import { type RunSummary, summarize } from '~/shared/summary';
import { publishedSetup } from '~/test/support/setups';

const you: Actor = { id: 'ann', name: 'Ann', role: 'admin' };
const summary = (runId: string, createdAt: number, step = 0): RunSummary => ({
  ...summarize(
    emptyView(runId, {
      seq: 1,
      attempt: 0,
      at: createdAt,
      event: { type: 'run.created', setup: publishedSetup('reverse'), actor: you, parent: null },
    }),
    0,
  ),
  step,
});

function hand() {
  const listeners = new Set<WireListener>();
  const asks: ((a: Awaited<ReturnType<Wire['watchRuns']>>) => Promise<void>)[] = [];
  let up = false;
  const no = () => Promise.reject(new Error('not part of this test'));
  const wire: Wire = {
    up: () => up,
    watch: no,
    command: no,
    watchRuns: () =>
      new Promise((resolve) =>
        asks.push((a) => {
          resolve(a);
          return new Promise((r) => setImmediate(r));
        }),
      ),
    look: () => {},
    tab: () => null,
    unwatch: () => {},
    unwatchRuns: () => {},
    watchQuestions: () => () => {},
    listen: (l) => {
      listeners.add(l);
      return () => listeners.delete(l);
    },
  };
  const host: Host = { soon: (f) => f(), after: () => () => {}, newId: () => 'unused-id', random: () => 0 };
  return {
    wire,
    host,
    asks,
    notify: (f: (l: WireListener) => void) => [...listeners].forEach(f),
    set up(value: boolean) {
      up = value;
      for (const l of [...listeners]) value ? l.up?.() : l.down?.(null);
    },
  };
}

it('changed lines are passed on as they come, and a reconnection is counted: what was read before may be old', async () => {
  const h = hand();
  const list = createRunList(h.wire, h.host);
  const heard: RunSummary[][] = [];
  list.onRuns((changed) => heard.push(changed));
  expect(list.get()).toEqual({ link: 'connecting', error: null, trainers: [], you: null, connection: 0 });
  h.up = true;
  await h.asks[0]!({ ok: true, you });
  expect(list.get()).toEqual({ link: 'live', error: null, trainers: [], you, connection: 1 });
  h.notify((l) => l.runs?.([summary('cccccc', 3), summary('aaaaaa', 1, 7)]));
  expect(heard).toEqual([[summary('cccccc', 3), summary('aaaaaa', 1, 7)]]);
  h.up = false;
  expect(list.get().link).toBe('reconnecting');
  h.up = true;
  await h.asks[1]!({ ok: true, you });
  expect(list.get()).toMatchObject({ link: 'live', connection: 2 });
});

it('a refusal is shown in words', async () => {
  const h = hand();
  const list = createRunList(h.wire, h.host);
  h.up = true;
  await h.asks[0]!({ ok: false, reason: 'forbidden', message: 'Tom (trainer) may not watch runs', field: null });
  expect(list.get()).toMatchObject({ link: 'refused', error: 'Tom (trainer) may not watch runs', connection: 0 });
});
