import { io } from 'socket.io-client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connect } from '~/server/mcp/client';
import { paths } from '~/shared/protocol';
import { startApp, type TestApp } from '~/test/support/app';
import { publishedSetup } from '~/test/support/setups';

let app: TestApp;
beforeAll(async () => {
  app = await startApp();
});
afterAll(() => app.close());

describe("the viewers' link", () => {
  it('lets a page ask for the list of runs five times in a row, then says to wait; other messages go on', async () => {
    const socket = io(app.url, { path: paths.viewers, transports: ['websocket'] });
    const ask = async (name: string, ...args: unknown[]) =>
      (await socket.emitWithAck(name, ...args)) as { ok: boolean; reason?: string };
    const answers = await Promise.all(Array.from({ length: 90 }, () => ask('watchRuns')));
    expect(answers.slice(0, 5).every((a) => a.ok)).toBe(true);
    expect(answers.slice(5).filter((a) => a.ok).length).toBeLessThan(5);
    expect(answers.at(-1)).toEqual({
      ok: false,
      reason: 'busy',
      message: 'watchRuns: too many messages; wait a little',
      field: null,
    });
    socket.close();
  });

  it('tells every page what was answered of what people were asked for', async () => {
    const socket = io(app.url, { path: paths.viewers, transports: ['websocket'] });
    await new Promise<void>((resolve) => socket.on('connect', resolve));
    const answered = new Promise((resolve) => socket.on('answered', resolve));
    const { runId } = await app.hub.create({ id: 'local', name: 'You', role: 'admin' }, publishedSetup('reverse'));
    await connect({ url: app.url }).runs.controlLock.mutate({ runId, request: { kind: 'take', forMs: null } });
    expect(await answered).toBe(`${runId} lock `);
    socket.close();
  });

  it("carries the server's time every second, so that a page can tell silence from a run that stands still", async () => {
    const socket = io(app.url, { path: paths.viewers, transports: ['websocket'] });
    const times: number[] = [];
    await new Promise<void>((resolve) =>
      socket.on('time', ({ now }: { now: number }) => {
        times.push(now);
        if (times.length === 3) resolve();
      }),
    );
    socket.close();
    expect(times.every((t) => Math.abs(t - Date.now()) < 60_000)).toBe(true);
    expect(times).toEqual([...times].sort((a, b) => a - b));
  });
});
