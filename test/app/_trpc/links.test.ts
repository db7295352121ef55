import { createTRPCClient } from '@trpc/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { links } from '~/app/_trpc/links';
import type { AppRouter } from '~/server/trpc';
import { paths } from '~/shared/protocol';
import { startApp, type TestApp } from '~/test/support/app';

describe('how the page asks', () => {
  let app: TestApp;
  beforeAll(async () => {
    app = await startApp();
  });
  afterAll(() => app?.close());

  const client = () => createTRPCClient<AppRouter>({ links: links(`${app.url}${paths.trpc}`) });

  it('4,096 series of 100 characters in one question reach the server: no address holds that much', async () => {
    const series = Array.from({ length: 4096 }, (_, i) => `gradNorm/${'layer.'.repeat(14)}${i}`.padEnd(100, 'x'));
    const question = { runId: 'nosuch1', series, fromStep: 0, toStep: null, buckets: 100 };
    await expect(client().runs.range.query(question)).rejects.toThrow('runId: there is no run nosuch1');
  });

  it('more questions than fit into one request are asked in several', async () => {
    const api = client();
    const answers = await Promise.allSettled(Array.from({ length: 120 }, () => api.runs.list.query()));
    expect(answers.filter((a) => a.status === 'fulfilled').length).toBe(120);
  });
});
