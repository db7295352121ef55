import { expect, it } from 'vitest';
import { defaultView, type View } from '~/app/_runs/tableQuery';
import { createTableReader, pageLines } from '~/app/_runs/tableReader';
import type { TablePage } from '~/shared/runTable';
import { runLine } from '~/test/support/runLines';

const idOf = (i: number) => `run${String(i).padStart(5, '0')}`;

/** A server with `total` runs whose answers are given by hand, and a clock. */
function hand(total: number) {
  const asks: { view: View; skip: number; answer(): Promise<void>; fail(): Promise<void> }[] = [];
  const timers: { ms: number; run(): void }[] = [];
  const settled = () => new Promise<void>((resolve) => setImmediate(resolve));
  const reader = createTableReader(
    (view, skip, limit) =>
      new Promise((resolve, reject) =>
        asks.push({
          view,
          skip,
          answer: () => {
            const page = Array.from({ length: Math.max(0, Math.min(limit, total - skip)) }, (_, i) => ({
              kind: 'run' as const,
              run: runLine(idOf(skip + i)),
              cells: [],
              changed: [],
              changedMore: 0,
            }));
            resolve({ lines: total, runs: total, all: total, waiting: 0, problems: [], from: skip, page } satisfies TablePage);
            return settled();
          },
          fail: () => {
            reject(new Error('the server is away'));
            return settled();
          },
        }),
      ),
    {
      after: (ms, run) => {
        const timer = { ms, run };
        timers.push(timer);
        return () => void timers.splice(timers.indexOf(timer), 1);
      },
      describe: (error) => (error as Error).message,
    },
  );
  return { reader, asks, timers };
}

it('reads the page in sight, then others as they come into sight, each once', async () => {
  const { reader, asks } = hand(1000);
  reader.show(defaultView);
  expect(asks.map((a) => a.skip)).toEqual([0]);
  await asks[0]!.answer();
  expect([reader.get().head?.lines, reader.get().lines.size, reader.get().stale]).toEqual([1000, pageLines, false]);
  reader.look(450, 480);
  reader.look(455, 490);
  expect(asks.slice(1).map((a) => a.skip)).toEqual([400]);
  await asks[1]!.answer();
  expect(reader.get().lines.get(450)).toMatchObject({ run: { runId: idOf(450) } });
  reader.look(460, 470);
  expect(asks.length).toBe(2);
});

it('an answer to a question that was changed meanwhile is not shown', async () => {
  const { reader, asks } = hand(10);
  reader.show(defaultView);
  reader.show({ ...defaultView, search: 'lr>1' });
  expect(reader.get().stale).toBe(true);
  const [old, next] = [asks.filter((a) => a.view.search === ''), asks.filter((a) => a.view.search !== '')];
  for (const ask of old) await ask.answer();
  expect(reader.get().head).toBe(null);
  for (const ask of next) await ask.answer();
  expect([reader.get().head?.lines, reader.get().stale]).toEqual([10, false]);
});

it('a changed run is put into its line at once; only when it may stand elsewhere the lines are read again', async () => {
  const { reader, asks, timers } = hand(3);
  reader.show(defaultView);
  for (const ask of asks.splice(0)) await ask.answer();
  reader.changed([runLine(idOf(1), { step: 7 })]);
  expect(reader.get().lines.get(1)).toMatchObject({ run: { step: 7 } });
  expect(timers).toEqual([]);
  reader.changed([runLine(idOf(1), { step: 8, status: 'finished' })]);
  expect(timers.map((t) => t.ms)).toEqual([1000]);
  // One that is not in sight: perhaps it is new.
  reader.changed([runLine('another1')]);
  expect(timers.length).toBe(1);
  timers.shift()!.run();
  expect(asks.map((a) => a.skip)).toContain(0);
});

it('sorted by a number of live runs, the lines are read again every five seconds', async () => {
  const { reader, asks, timers } = hand(3);
  reader.show({ ...defaultView, sort: 'loss' });
  for (const ask of asks.splice(0)) await ask.answer();
  reader.changed([runLine(idOf(1), { loss: 1 })]);
  reader.changed([runLine(idOf(2), { loss: 2 })]);
  expect(timers.map((t) => t.ms)).toEqual([5000]);
});

it('what went wrong is said, what was shown stays, and it can be tried again', async () => {
  const { reader, asks } = hand(3);
  reader.show(defaultView);
  for (const ask of asks.splice(0)) await ask.answer();
  reader.again();
  await asks.shift()!.fail();
  expect([reader.get().error, reader.get().lines.size]).toEqual(['the server is away', 3]);
  asks.length = 0;
  reader.again();
  for (const ask of asks.splice(0)) await ask.answer();
  expect(reader.get().error).toBe(null);
});
