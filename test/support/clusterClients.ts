/** Trainers, scripts and viewers of a cluster that go on whatever node ends, and what PostgreSQL holds in the end. */
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { nanoid } from 'nanoid';
import { connect } from '~/server/mcp/client';
import { Database } from '~/server/store/postgres/database';
import { openPostgresStore } from '~/server/store/postgres/open';
import { VERSION } from '~/shared/protocol';
import { keyOf } from '~/trainer/link/messages';
import { Uplink } from '~/trainer/link/uplink';
import { publishedSetup } from './setups';
import { runStarted, snapshot, startValues, steps } from './synthetic';
import { registrationOf, TrainerClient } from './trainerClient';
import { TestViewer } from './viewer';

const setup = publishedSetup('reverse', { probeSize: 1 });
const values = startValues(setup);

/** Calls it again until it succeeds. */
export async function again<T>(task: () => Promise<T>): Promise<T> {
  for (const since = performance.now(); ; await pause(50)) {
    try {
      return await task();
    } catch (error) {
      if (performance.now() - since > 60_000) throw error;
    }
  }
}

/**
 * A trainer that sends rows without end, and registers again wherever its connection ends: of a run that people start, or (`key`) as a
 * script of a run that it opens itself.
 */
export class EndlessTrainer {
  acknowledged = 0;
  #ended = false;
  #wanted: { rows: number; resolve: () => void } | null = null;
  trainer!: TrainerClient;
  runId = '';
  #attempt = 0;

  constructor(
    private readonly address: { url: string; token: string },
    private readonly key: string | null = null,
  ) {}

  async begin(): Promise<void> {
    const { key } = this;
    this.trainer = await again(() => TrainerClient.connect(this.address, key === null ? {} : { recipes: [] }));
    if (key === null) {
      const { runId } = await again(() => connect({ url: this.address.url }).runs.create.mutate({ setup }));
      this.trainer.ready();
      this.#attempt = (await this.trainer.assigned()).attempt;
      this.runId = runId;
    } else {
      const answer = await this.trainer.socket.emitWithAck('open', { key, setup: { ...setup, recipe: null }, resume: 'allow' });
      if (!answer.ok) throw new Error(`the run was not opened: ${answer.message}`);
      this.runId = answer.runId;
      this.#attempt = answer.attempt;
      this.trainer.run = { runId: answer.runId, attempt: answer.attempt, next: answer.nextEvent };
    }
    await this.trainer.send(runStarted(0, values), { type: 'status', status: 'running', step: 0, message: 'go' });
    const { blob, event } = snapshot(0, setup, 'start');
    await this.trainer.put(blob);
    await this.trainer.send(event);
  }

  /** Sends until `end`. @throws Error when an acknowledged row is not there */
  async run(): Promise<void> {
    // Events 0 to 2 are sent by `begin`: row s is event s + 3.
    while (!this.#ended) {
      const lost = new Promise<null>((resolve) => {
        this.trainer.socket.once('disconnect', () => resolve(null));
        if (!this.trainer.socket.connected) resolve(null);
      });
      for (let sent = this.acknowledged; !this.#ended; ) {
        const answer = await Promise.race([this.trainer.batch(sent + 3, [steps(sent, 7, values)], this.#attempt), lost]);
        if (!answer?.ok) break;
        sent += 7;
        this.acknowledged = sent;
        if (this.#wanted && sent >= this.#wanted.rows) this.#wanted.resolve();
      }
      if (!this.#ended) await this.#register();
    }
    this.trainer.close();
  }

  async #register(): Promise<void> {
    const { trainerId } = this.trainer.registration;
    this.trainer.close();
    const holding = [{ runId: this.runId, attempt: this.#attempt, lastCommandSeq: 0 }];
    const { client, answer } = await again(() => TrainerClient.tryConnect(this.address, { trainerId, holding }));
    const held = answer.ok ? answer.holding[0] : undefined;
    if (!held?.ok) throw new Error(`the run is not the trainer's any more: ${JSON.stringify(answer)}`);
    if (held.nextEvent < this.acknowledged + 3)
      throw new Error(`${this.acknowledged} rows were acknowledged, ${held.nextEvent - 3} are there`);
    this.acknowledged = held.nextEvent - 3;
    this.trainer = client;
    this.trainer.run = { runId: this.runId, attempt: this.#attempt, next: held.nextEvent };
  }

  /** Resolves once that many more rows are acknowledged. */
  more(rows: number): Promise<void> {
    return new Promise((resolve) => {
      this.#wanted = { rows: this.acknowledged + rows, resolve };
    });
  }

  end(): void {
    this.#ended = true;
  }
}

/** A viewer that watches again wherever its connection ends; TestViewer throws where a frame does not follow the one before. */
export async function watchOn(url: string, runId: string, seen: { view: TestViewer['view']; ended: boolean }): Promise<void> {
  while (!seen.ended) {
    const viewer = await again(() => TestViewer.connect(url));
    viewer.view = seen.view;
    const cursor = seen.view && { attempt: seen.view.attempt, seq: seen.view.seq };
    const answer = await Promise.race([viewer.watch(runId, cursor), gone(viewer)]);
    if (answer?.ok === false) throw new Error(answer.message);
    const away = gone(viewer);
    // Of a run that has ended no frame comes after the answer.
    seen.view = viewer.view;
    while (answer && !seen.ended && viewer.socket.connected) {
      await Promise.race([viewer.received.next('frame', Number.POSITIVE_INFINITY), away]);
      seen.view = viewer.view;
    }
    seen.view = viewer.view;
    viewer.close();
  }
}
const gone = (viewer: TestViewer) =>
  new Promise<null>((resolve) => {
    viewer.socket.once('disconnect', () => resolve(null));
    if (!viewer.socket.connected) resolve(null);
  });

/** What PostgreSQL holds, read by an index that begins empty. */
export async function truth(databaseUrl: string, folder: string, runId: string) {
  const database = await Database.open({ url: databaseUrl, onTrouble: () => {} });
  const store = await openPostgresStore({ database, folder: path.join(folder, nanoid()), onNotice: () => {} });
  const entries = await store.entries({ runId, fromSeq: 1, limit: 1_000_000, types: null });
  const rows = await store.rows({ runId, stream: 'steps', fromStep: 0, toStep: null, limit: 10_000_000 });
  const runs = (await store.runs()).map((run) => run.runId);
  await store.close();
  await database.close();
  return { entries, rows, runs };
}

/** Our trainer: its link with the spool on disk, and a loop that makes rows whether or not a server is there. */
export class SpoolingTrainer {
  made = 0;
  runId = '';
  /** The last line of its link. */
  said = '';
  readonly #uplink: Uplink;
  #run = '';
  #ended = false;
  #unsent: ((events: number) => void) | null = null;
  readonly #assigned: Promise<void>;
  #closed: Promise<number> | null = null;

  constructor(
    private readonly address: { url: string; token: string },
    folder: string,
  ) {
    let begin = () => {};
    this.#assigned = new Promise((resolve) => {
      begin = resolve;
    });
    const { holding: _none, ...registration } = registrationOf({ version: VERSION });
    const start = {
      server: address.url,
      token: address.token,
      spoolFolder: path.join(folder, 'spool'),
      spoolBytes: 2 ** 30,
      registration,
      gauge: new SharedArrayBuffer(8),
    };
    this.#uplink = new Uplink(
      start,
      (message) => {
        if (message.type === 'assign') {
          this.#run = keyOf(message.assignment);
          begin();
        } else if (message.type === 'closed') this.#unsent?.(message.unsent);
        else if (message.type === 'release') throw new Error(`our trainer lost its run: ${message.message}`);
      },
      (line) => {
        this.said = line;
      },
    );
  }

  async begin(): Promise<void> {
    this.runId = (await again(() => connect({ url: this.address.url }).runs.create.mutate({ setup }))).runId;
    await this.#assigned;
    this.#say(runStarted(0, values));
    this.#say({ type: 'status', status: 'running', step: 0, message: 'go' });
  }

  /** Makes rows until `end`, about 300 in a second. */
  async run(): Promise<void> {
    for (; !this.#ended; await pause(3)) this.#say(steps(this.made++, 1, values));
  }

  async makes(rows: number): Promise<void> {
    while (this.made < rows) await pause(10);
  }

  /** @returns the number of events that no server has acknowledged in time */
  end(withinMs: number): Promise<number> {
    this.#ended = true;
    this.#closed ??= new Promise((resolve) => {
      this.#unsent = resolve;
      this.#uplink.handle({ type: 'close', withinMs });
    });
    return this.#closed;
  }

  #say(event: Parameters<TrainerClient['send']>[0]): void {
    this.#uplink.handle({ type: 'output', run: this.#run, event, blobs: [], kilobytes: 0 });
  }
}
