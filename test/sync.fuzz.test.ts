/**
 * Seeded chaos: a run grows, its trainer dies and another takes over, viewers are slow, vanish and come back; in the end everybody holds the folded log.
 * A failing seed is named in the failure; run it alone with SEED=n.
 */

import { describe, expect, it } from 'vitest';
import { Frames, frameSettings, type Viewer, type ViewerPort } from '~/server/runs/frames';
import { RunLog } from '~/server/runs/log';
import { applyFrame } from '~/shared/applyFrame';
import type { Entry, RunEvent } from '~/shared/events';
import type { Actor } from '~/shared/ids';
import { unpack } from '~/shared/pack';
import type { RunView } from '~/shared/view';
import type { Frame } from '~/shared/viewerProtocol';
import { openMemoryStore } from '~/test/support/memoryStore';
import { seeded } from '~/test/support/seeded';
import { foldAll } from '~/test/support/views';
import { type FakeClock, fakeClock } from './support/fakeClock';
import { publishedSetup } from './support/setups';
import { runStarted, startValues, steps } from './support/synthetic';

const setup = publishedSetup('reverse');
const values = startValues(setup);
const ada: Actor = { id: 'u1', name: 'Ada', role: 'operator' };

/** A viewer as a page is one: applies frames when it gets round to it, and watches again when one does not fit. */
class FuzzViewer implements ViewerPort {
  readonly actor = ada;
  view: RunView | null = null;
  joined: Viewer | null = null;
  inbox: { frame: Frame; acknowledge: () => void }[] = [];
  drops = 0;
  freshViews = 0;

  constructor(private readonly frames: () => Frames) {}

  connect(): void {
    this.leave();
    const { viewer, view } = this.frames().join(this, this.view && { attempt: this.view.attempt, seq: this.view.seq });
    this.joined = viewer;
    if (view) {
      this.view = unpack(view) as RunView;
      this.freshViews++;
    }
  }
  leave(): void {
    if (this.joined) this.frames().leave(this.joined);
    this.joined = null;
    this.inbox = [];
  }
  frame(packed: Uint8Array, acknowledge: () => void): void {
    this.inbox.push({ frame: unpack(packed) as Frame, acknowledge });
    if (this.inbox.length > frameSettings.window) throw new Error(`${this.inbox.length} frames are unanswered`);
  }
  watchers(): void {}
  drop(): void {
    this.drops++;
    this.joined = null;
    this.inbox = [];
  }
  digest(): void {
    const next = this.inbox.shift();
    if (!next || !this.view) return;
    const applied = applyFrame(this.view, next.frame);
    if (applied.kind === 'applied') this.view = applied.view;
    // The server never sends what does not fit.
    else throw new Error(`frame ${next.frame.from}..${next.frame.to} on a view at ${this.view.seq}: ${applied.kind}`);
    next.acknowledge();
  }
}

async function chaos(seed: number): Promise<{ drops: number; freshViews: number; skips: number }> {
  const rnd = seeded(seed);
  const chance = (p: number) => rnd() < p;
  const below = (n: number) => Math.floor(rnd() * n);
  const clock: FakeClock = fakeClock();
  const store = openMemoryStore();
  let skips = 0;
  let frames: Frames | null = null;
  const publish = (entries: Entry[], view: RunView) => frames?.publish(entries, view);
  const settings = { ...frameSettings, maxQueuedValues: 9 * (5 + below(40)), reach: { entries: 5 + below(60), values: 2000 } };
  const runId = 'fuzzrun01';
  const created: RunEvent = { type: 'run.created', setup, actor: ada, parent: null };
  let log = await RunLog.create({ store, clock }, runId, created, publish);
  frames = new Frames(runId, log.view, clock, settings);
  const viewers = Array.from({ length: 4 }, () => new FuzzViewer(() => frames!));
  let commands = 0;

  const assign = async () => {
    const fromStep = Math.floor(log.view.step / 7) * 7;
    await log.append(
      [
        {
          type: 'run.assigned',
          attempt: log.view.attempt + 1,
          trainer: { id: `t${log.view.attempt}`, name: 't', host: 'h' },
          fromStep,
          checkpoint: null,
        },
      ],
      { attempt: log.view.attempt + 1, nextEvent: 0 },
    );
    await log.append([runStarted(fromStep, values)]);
  };
  await assign();

  for (let op = 0; op < 150; op++) {
    const what = rnd();
    if (what < 0.45) await log.append([steps(log.view.step, 1 + below(12), values)]);
    else if (what < 0.5) await log.append([{ type: 'alert', step: log.view.step, level: 'info', kind: 'k', message: `${op}` }]);
    else if (what < 0.54) {
      const command = { kind: 'set' as const, id: `command-${commands++}`, runId, control: 'clipThreshold', value: below(9) };
      await log.append([{ type: 'command.requested', actor: ada, command }]);
    } else if (what < 0.57) await log.append([{ type: chance(0.5) ? 'trainer.lost' : 'trainer.back', message: 'm' } as RunEvent]);
    else if (what < 0.6) await assign();
    else if (what < 0.62) {
      // The server ends and starts again on what it stored; every viewer is cut off.
      for (const v of viewers) v.leave();
      frames.close();
      frames = null;
      log = await RunLog.open({ store, clock }, { runId, nextEvent: 0 }, publish);
      frames = new Frames(runId, log.view, clock, settings);
    } else if (what < 0.7) clock.advance(below(chance(0.1) ? 12_000 : 200));
    const viewer = viewers[below(viewers.length)]!;
    if (!viewer.joined) {
      if (chance(0.5)) viewer.connect();
    } else if (chance(1 / 12)) viewer.leave();
    else if (chance(0.4)) {
      if (viewer.inbox[0]?.frame.skippedSteps) skips++;
      viewer.digest();
    }
    clock.advance(below(80));
  }
  for (const viewer of viewers) if (!viewer.joined) viewer.connect();
  for (let i = 0; i < 10; i++) {
    for (const viewer of viewers) while (viewer.inbox.length > 0) viewer.digest();
    clock.advance(100);
  }
  const all = await store.entries({ runId, fromSeq: 1, limit: 100_000, types: null });
  const whole = foldAll(runId, all);
  for (const [i, viewer] of viewers.entries()) expect(viewer.view, `viewer ${i}`).toEqual(whole);
  const count = (pick: (v: FuzzViewer) => number) => viewers.reduce((n, v) => n + pick(v), 0);
  return { drops: count((v) => v.drops), freshViews: count((v) => v.freshViews), skips };
}

describe('sync under chaos', () => {
  const only = process.env.SEED;
  const seeds = only ? [Number(only)] : Array.from({ length: 60 }, (_, i) => i + 1);
  it(`every viewer ends equal to the folded log (${seeds.length} seeds)`, async () => {
    const total = { drops: 0, freshViews: 0, skips: 0 };
    for (const seed of seeds) {
      const seen = await chaos(seed).catch((error: unknown) => {
        throw new Error(`SEED=${seed}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
      });
      total.drops += seen.drops;
      total.freshViews += seen.freshViews;
      total.skips += seen.skips;
    }
    // The chaos was one: each of these happened, many times over.
    if (!only) for (const [name, times] of Object.entries(total)) expect(times, name).toBeGreaterThan(20);
  });
});
