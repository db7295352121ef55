/**
 * The cost of viewers and the delay until they see a step: `npm run bench -- viewers [--steps-per-second 500] [--seconds 10] [--viewers 1,100,500] [--relays 2]`.
 * Each viewer is another person, who points at another head each second.
 * `--relays`: viewers connect to so many nodes that stand by, each a process.
 */

import { fork } from 'node:child_process';
import { once } from 'node:events';
import { parseArgs } from 'node:util';
import { createTRPCClient, httpBatchLink } from '@trpc/client';
import type { AppRouter } from '~/server/trpc';
import { transformer } from '~/shared/json';
import { paths } from '~/shared/protocol';
import { startApp, type TestApp } from '~/test/support/app';
import { root } from '~/test/support/root';
import { publishedSetup } from '~/test/support/setups';
import type { BenchResult } from './main';
import type { Load, Measured } from './viewersLoad';

export async function bench(args: string[]): Promise<BenchResult> {
  const { values } = parseArgs({
    args,
    options: {
      viewers: { type: 'string', default: '1,100,500' },
      'steps-per-second': { type: 'string', default: '500' },
      seconds: { type: 'string', default: '10' },
      relays: { type: 'string', default: '0' },
    },
  });
  const number = (text: string, name: string) => {
    const n = Number(text);
    if (!(n > 0)) throw new Error(`--${name}: a number above 0 is needed, got "${text}"`);
    return n;
  };
  const stepsPerSecond = number(values['steps-per-second'], 'steps-per-second');
  const seconds = number(values.seconds, 'seconds');
  const relays = values.relays === '0' ? 0 : number(values.relays, 'relays');
  const rows: BenchResult['rows'] = [];
  for (const text of values.viewers.split(','))
    rows.push(await measure({ viewers: number(text, 'viewers'), stepsPerSecond, seconds }, relays));
  return {
    title: `viewers of one run at ${stepsPerSecond} steps/s`,
    rows,
    notes: [
      'The server is this process; trainer and viewers share another one. click: from the command to the frame that shows it applied.',
    ],
  };
}

async function measure(wanted: Pick<Load, 'viewers' | 'stepsPerSecond' | 'seconds'>, relayCount: number) {
  const app = await startApp({ loginRequired: true });
  const cookies = await signedIn(app, wanted.viewers);
  const { runId } = await app.hub.create({ id: 'local', name: 'You', role: 'admin' }, publishedSetup('reverse'));
  const relays = await Promise.all(Array.from({ length: relayCount }, () => startRelayProcess(app.url)));
  const child = fork(`${root}test/bench/viewersLoad.ts`, { execArgv: ['--import', 'tsx'] });
  await once(child, 'spawn');
  const viewerUrls = relays.length > 0 ? relays.map((r) => r.url) : [app.url];
  const load: Load = { ...wanted, url: app.url, viewerUrls, token: app.trainerToken, runId, cookies };
  const failed = once(child, 'exit').then(([code]) => {
    throw new Error(`the load ended with ${code}`);
  });
  failed.catch(() => {});
  const next = async () => (await Promise.race([once(child, 'message'), failed]))[0];
  child.send(load);
  await next();
  const before = process.cpuUsage();
  const startedAt = Date.now();
  await Promise.all(relays.map((r) => r.begin()));
  const measured = (await next()) as Measured;
  const cpu = process.cpuUsage(before);
  const elapsedMs = Date.now() - startedAt;
  const relayMs = await Promise.all(relays.map((r) => r.end()));
  await app.close();
  const { delaysMs, clicksMs } = measured;
  if (clicksMs.length === 0) throw new Error('no click was answered');
  return {
    viewers: wanted.viewers,
    'all watch after ms': measured.allWatchAfterMs,
    'steps/s': measured.steps / wanted.seconds,
    'frames/s per viewer': measured.frames / wanted.viewers / wanted.seconds,
    'server cores': (cpu.user + cpu.system) / 1000 / elapsedMs,
    ...(relays.length > 0 && { 'cores per relay': relayMs.reduce((a, b) => a + b, 0) / relays.length / elapsedMs }),
    'load cores': measured.cores,
    'delay p50 ms': at(delaysMs, 0.5),
    'delay p99 ms': at(delaysMs, 0.99),
    'click p50 ms': at(clicksMs, 0.5),
    'click p95 ms': at(clicksMs, 0.95),
    clicks: clicksMs.length,
  };
}

async function startRelayProcess(leader: string) {
  const child = fork(`${root}test/bench/viewersRelay.ts`, [leader], { execArgv: ['--import', 'tsx'] });
  const next = async <T>() => (await once(child, 'message'))[0] as T;
  const { url } = await next<{ url: string }>();
  return {
    url,
    async begin(): Promise<void> {
      child.send('begin');
      await next();
    },
    /** @returns its processor time since it began, ms */
    async end(): Promise<number> {
      child.send('end');
      const { ms } = await next<{ ms: number }>();
      child.disconnect();
      return ms;
    },
  };
}

const at = (values: number[], share: number): number =>
  values.toSorted((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * share))] ?? Number.NaN;

/** @returns the cookies of so many people, each of their own */
async function signedIn(app: TestApp, people: number): Promise<string[]> {
  const invite = new URL(app.adminLink!, app.url).searchParams.get('invite')!;
  const admin = await join(app, invite, 'Admin');
  const client = createTRPCClient<AppRouter>({
    links: [httpBatchLink({ url: `${app.url}${paths.trpc}`, transformer, headers: { cookie: admin } })],
  });
  const cookies: string[] = [];
  while (cookies.length < people) {
    const uses = Math.min(1000, people - cookies.length);
    const { secret } = await client.team.invite.mutate({ role: 'operator', uses, expiresInMs: 3_600_000 });
    for (let i = 0; i < uses; i++) cookies.push(await join(app, secret, `Person ${cookies.length}`));
  }
  return cookies;
}

async function join(app: TestApp, invite: string, name: string): Promise<string> {
  const answer = await fetch(`${app.url}/api/join`, { method: 'POST', body: JSON.stringify({ invite, name }) });
  if (!answer.ok) throw new Error(await answer.text());
  return answer.headers.get('set-cookie')!.split(';')[0]!;
}
