/** The cost of viewers and the delay until they see a step: `npm run bench -- viewers [--steps-per-second 500] [--seconds 10] [--viewers 1,100,500]`. */

import { fork } from 'node:child_process';
import { once } from 'node:events';
import { parseArgs } from 'node:util';
import { startApp } from '~/test/support/app';
import { root } from '~/test/support/root';
import { publishedSetup } from '../support/setups';
import type { BenchResult } from './main';
import type { Load, Measured } from './viewersLoad';

export async function bench(args: string[]): Promise<BenchResult> {
  const { values } = parseArgs({
    args,
    options: {
      viewers: { type: 'string', default: '1,100,500' },
      'steps-per-second': { type: 'string', default: '500' },
      seconds: { type: 'string', default: '10' },
    },
  });
  const number = (text: string, name: string) => {
    const n = Number(text);
    if (!(n > 0)) throw new Error(`--${name}: a number above 0 is needed, got "${text}"`);
    return n;
  };
  const stepsPerSecond = number(values['steps-per-second'], 'steps-per-second');
  const seconds = number(values.seconds, 'seconds');
  const rows: BenchResult['rows'] = [];
  for (const text of values.viewers.split(','))
    rows.push(await measure({ viewers: number(text, 'viewers'), stepsPerSecond, seconds }));
  return {
    title: `viewers of one run at ${stepsPerSecond} steps/s`,
    rows,
    notes: [
      'The server is this process; trainer and viewers share another one. click: from the command to the frame that shows it applied.',
    ],
  };
}

async function measure(wanted: Pick<Load, 'viewers' | 'stepsPerSecond' | 'seconds'>) {
  const app = await startApp();
  const { runId } = await app.hub.create({ id: 'local', name: 'You', role: 'admin' }, publishedSetup('reverse'));
  const child = fork(`${root}test/bench/viewersLoad.ts`, { execArgv: ['--import', 'tsx'] });
  await once(child, 'spawn');
  const before = process.cpuUsage();
  const startedAt = Date.now();
  const load: Load = { ...wanted, url: app.url, token: app.trainerToken, runId };
  child.send(load);
  const failed = once(child, 'exit').then(([code]) => {
    throw new Error(`the load ended with ${code}`);
  });
  failed.catch(() => {});
  const [measured] = (await Promise.race([once(child, 'message'), failed])) as [Measured];
  const cpu = process.cpuUsage(before);
  const elapsedMs = Date.now() - startedAt;
  await app.close();
  const { delaysMs, clicksMs } = measured;
  if (clicksMs.length === 0) throw new Error('no click was answered');
  return {
    viewers: wanted.viewers,
    'steps/s': measured.steps / wanted.seconds,
    'frames/s per viewer': measured.frames / wanted.viewers / wanted.seconds,
    'server cores': (cpu.user + cpu.system) / 1000 / elapsedMs,
    'delay p50 ms': at(delaysMs, 0.5),
    'delay p99 ms': at(delaysMs, 0.99),
    'click p50 ms': at(clicksMs, 0.5),
    'click p95 ms': at(clicksMs, 0.95),
    clicks: clicksMs.length,
  };
}

const at = (values: number[], share: number): number =>
  values.toSorted((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * share))] ?? Number.NaN;
