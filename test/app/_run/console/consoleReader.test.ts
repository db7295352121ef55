import { afterEach, expect, it, vi } from 'vitest';
import { ConsoleReader, type Shown } from '~/app/_run/console/consoleReader';
import { type ConsolePart, choose } from '~/shared/media';

/** A server that keeps parts at every second place of the log. */
function server() {
  const parts: ConsolePart[] = [];
  const asked: object[] = [];
  return {
    parts,
    asked,
    print(n: number) {
      for (let i = 0; i < n; i++) {
        const seq = 2 * (parts.length + 1);
        parts.push({ seq, at: seq, stream: 'out', text: `line ${parts.length}\n` });
      }
      return parts.at(-1)!.seq;
    },
    ask: async (query: { before?: number | null; after?: number | null; search?: string; limit?: number }) => {
      asked.push(query);
      return choose(parts, {
        runId: 'r',
        before: query.before ?? null,
        after: query.after ?? null,
        search: query.search ?? '',
        limit: query.limit ?? 200,
      });
    },
  };
}
afterEach(() => void vi.useRealTimers());

const settle = async () => {
  for (let i = 0; i < 20; i++) await Promise.resolve();
};

it('reads the newest 200 parts, then only what comes after them, then earlier ones when asked', async () => {
  const s = server();
  let shown: Shown | null = null;
  const reader = new ConsoleReader('r', '', (now) => (shown = now), s.ask as never);
  const texts = () => shown!.parts.map((p) => p.text.trim());
  reader.newest(s.print(250));
  await settle();
  expect([texts().length, texts()[0], texts().at(-1), shown!.earlier]).toEqual([200, 'line 50', 'line 249', true]);
  reader.newest(s.print(2));
  await settle();
  expect(texts().slice(-3)).toEqual(['line 249', 'line 250', 'line 251']);
  expect(s.asked.at(-1)).toMatchObject({ after: 500 });
  reader.earlier();
  await settle();
  expect([texts().length, texts()[0], shown!.earlier]).toEqual([252, 'line 0', false]);
});

it('searches at the server, and shows nothing more once it is closed', async () => {
  const s = server();
  let shown: Shown | null = null;
  const reader = new ConsoleReader('r', 'LINE 1', (now) => (shown = now), s.ask as never);
  reader.newest(s.print(20));
  await settle();
  // line 1, line 10 .. line 19
  expect(shown!.parts.length).toBe(11);
  reader.close();
  reader.newest(s.print(20));
  await settle();
  expect(shown!.parts.length).toBe(11);
});

it('says what went wrong', async () => {
  let shown: Shown | null = null;
  const failing = async () => {
    throw new Error('the server is away');
  };
  new ConsoleReader('r', '', (now) => (shown = now), failing as never).newest(1);
  await settle();
  expect(shown!.error).toBe('the server is away');
});

it('asks again some time after a request that failed, without new output', async () => {
  vi.useFakeTimers();
  const s = server();
  let away = true;
  let shown: Shown | null = null;
  const ask = async (query: object) => {
    if (away) throw new Error('the server is away');
    return s.ask(query);
  };
  const reader = new ConsoleReader('r', '', (now) => (shown = now), ask as never);
  reader.newest(s.print(3));
  await settle();
  expect(shown!.error).toBe('the server is away');
  away = false;
  await vi.advanceTimersByTimeAsync(5000);
  expect([shown!.parts.length, shown!.error]).toEqual([3, null]);
});

it('what is printed while earlier parts are read is read after them', async () => {
  const s = server();
  let shown: Shown | null = null;
  const reader = new ConsoleReader('r', '', (now) => (shown = now), s.ask as never);
  reader.newest(s.print(250));
  await settle();
  reader.earlier();
  reader.newest(s.print(1));
  await settle();
  expect([shown!.parts.length, shown!.parts.at(-1)!.text]).toEqual([251, 'line 250\n']);
});
