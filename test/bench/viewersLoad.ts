/** The load of viewers.bench.ts, in a separate process: a trainer at a steady pace, viewers that answer at once, and clicks. */

import { setTimeout as pause } from 'node:timers/promises';
import { unpack } from '~/shared/pack';
import type { RunView } from '~/shared/view';
import type { Frame } from '~/shared/viewerProtocol';
import { publishedSetup } from '~/test/support/setups';
import { runStarted, startValues, steps } from '~/test/support/synthetic';
import { TrainerClient } from '~/test/support/trainerClient';
import { TestViewer } from '~/test/support/viewer';
import { type RawViewer, watchRaw } from './rawViewer';

export interface Load {
  url: string;
  /** Where viewers connect, in turn. */
  viewerUrls: string[];
  token: string;
  runId: string;
  viewers: number;
  stepsPerSecond: number;
  seconds: number;
  /** With which each viewer is signed in. */
  cookies: string[];
}
export interface Measured {
  /** Until all viewers, who came at the same moment, had the run. */
  allWatchAfterMs: number;
  frames: number;
  /** Times from the commit on the server to the viewer, ms. */
  delaysMs: number[];
  /** Times from the click to the frame that shows the command applied, ms; the trainer answers between two steps. */
  clicksMs: number[];
  steps: number;
  /** Processor time of the load itself: near 1, it is the load that delays. */
  cores: number;
}

process.once('message', async (load: Load) => {
  process.send!(await run(load));
  process.exit(0);
});

async function run(load: Load): Promise<Measured> {
  const values = startValues(publishedSetup('reverse'));
  const trainer = await TrainerClient.connect({ url: load.url, token: load.token });
  trainer.ready();
  await trainer.assigned();
  await trainer.send(runStarted(0, values), { type: 'status', status: 'running', step: 0, message: '' });
  const delaysMs: number[] = [];
  let frames = 0;
  const onFrame = (bytes: Uint8Array) => {
    frames++;
    // Reading every frame of every viewer would load this process and change the result.
    if (frames % 20 === 0) delaysMs.push(Date.now() - (unpack(bytes) as Frame).entries.at(-1)!.at);
  };
  const beganAt = Date.now();
  const viewers = await Promise.all(
    load.cookies.map((cookie, i) => watchRaw(load.viewerUrls[i % load.viewerUrls.length]!, load.runId, onFrame, { cookie })),
  );
  const allWatchAfterMs = Date.now() - beganAt;
  const before = process.cpuUsage();
  const startedAt = Date.now();
  process.send!('ready');
  const clicker = await TestViewer.connect(load.viewerUrls[0]!, { cookie: load.cookies[0]! });
  await clicker.watch(load.runId);

  const clicksMs: number[] = [];
  for (const viewer of viewers) pointAround(viewer);
  const until = Date.now() + load.seconds * 1000;
  const clicks = (async () => {
    for (let n = 0; Date.now() < until; n++) {
      const at = Date.now();
      const id = `click-number-${n}`;
      const applied = clicker.until((v: RunView) =>
        v.recent.commands.items.some((c) => c.command.id === id && c.outcome.status === 'applied'),
      );
      await clicker.command({ kind: 'set', id, runId: load.runId, control: 'clipThreshold', value: n + 1 });
      await applied;
      clicksMs.push(Date.now() - at);
      await pause(100);
    }
  })();
  let clicking = true;
  void clicks.then(() => {
    clicking = false;
  });
  let step = 0;
  // Wait until the last click is answered too.
  while (clicking) {
    for (const { seq, command } of trainer.received.take('command'))
      await trainer.send({ type: 'command.applied', commandId: command.id, seq, step, before: 0, after: 1, message: '' });
    const due = Math.floor(((Date.now() - startedAt) / 1000) * load.stepsPerSecond);
    if (due > step) {
      await trainer.send(steps(step, due - step, values));
      step = due;
    }
    await pause(2);
  }
  const { user, system } = process.cpuUsage(before);
  return { allWatchAfterMs, frames, delaysMs, clicksMs, steps: step, cores: (user + system) / 1000 / (Date.now() - startedAt) };
}

/** Points at another head each second. */
function pointAround(viewer: RawViewer): void {
  let head = 0;
  const point = () => {
    head = (head + 1) % 4;
    const spot = { layer: 0, head, query: null, key: null };
    viewer.look({ live: true, step: 0, zoom: null, spot, shows: ['curves'], leads: false });
  };
  setTimeout(() => setInterval(point, 1000), Math.random() * 1000);
}
