import { io } from 'socket.io-client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { paths } from '~/shared/protocol';
import { startApp, type TestApp } from '~/test/support/app';

let app: TestApp;
beforeAll(async () => {
  app = await startApp();
});
afterAll(() => app.close());

describe("the viewers' link", () => {
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
