/** A trainer that tests control by hand: a real socket that registers, receives runs, and sends given events. */
import { io, type Socket } from 'socket.io-client';
import type { TrainerEvent } from '~/shared/events';
import { pack } from '~/shared/pack';
import {
  type Assignment,
  addressAt,
  type BatchAnswer,
  paths,
  type QuestionAnswer,
  type Registration,
  type RegistrationAnswer,
  type ServerToTrainer,
  type TrainerToServer,
  VERSION,
} from '~/shared/protocol';
import { builtinRecipes } from '~/trainer/recipes';
import { connected } from './connected';
import { inbox } from './inbox';
import type { Blob } from './synthetic';

type Received = {
  [K in keyof ServerToTrainer]: Parameters<ServerToTrainer[K]>[0];
};

export const registrationOf = (changes: Partial<Registration> = {}): Registration => ({
  version: VERSION,
  trainerId: `scripted-${Math.random().toString(36).slice(2, 12)}`,
  name: 'scripted',
  host: 'test-host',
  pid: 1,
  recipes: builtinRecipes.map((r) => r.spec),
  memoryBytes: 1,
  holding: [],
  ...changes,
});

export interface Address {
  url: string;
  token: string;
}

export class TrainerClient {
  readonly received = inbox<Received>();
  /** The run it holds, and the number of its next event. */
  run: { runId: string; attempt: number; next: number } | null = null;

  private constructor(
    readonly registration: Registration,
    readonly socket: Socket<ServerToTrainer, TrainerToServer>,
    private readonly address: Address,
  ) {
    socket.on('assign', (a) => this.received.put('assign', a));
    socket.on('command', (c) => this.received.put('command', c));
    socket.on('release', (r) => this.received.put('release', r));
    socket.on('ask', (q) => this.received.put('ask', q));
    socket.on('forget', (f) => this.received.put('forget', f));
  }

  /** Connects and registers. */
  static async connect(address: Address, changes: Partial<Registration> = {}): Promise<TrainerClient> {
    const { client, answer } = await TrainerClient.tryConnect(address, changes);
    if (!answer.ok) throw new Error(`the server refused the trainer: ${answer.message}`);
    return client;
  }

  static async tryConnect(
    address: Address,
    changes: Partial<Registration> = {},
  ): Promise<{ client: TrainerClient; answer: RegistrationAnswer }> {
    const at = addressAt(address.url, paths.trainers);
    const socket: Socket<ServerToTrainer, TrainerToServer> = io(at.origin, {
      path: at.pathname,
      transports: ['websocket'],
      reconnection: false,
      forceNew: true,
      extraHeaders: { authorization: `Bearer ${address.token}` },
    });
    const client = new TrainerClient(registrationOf(changes), socket, address);
    await connected(socket);
    // A connection that ends meanwhile brings no answer.
    const answer = await new Promise<RegistrationAnswer>((resolve, reject) => {
      socket.once('disconnect', (reason) => reject(new Error(`not registered: ${reason}`)));
      socket.emit('register', client.registration, resolve);
    });
    return { client, answer };
  }

  ready(): void {
    this.socket.emit('ready');
  }

  /** @param withinMs Infinity = no limit */
  async assigned(withinMs?: number): Promise<Assignment> {
    const assignment = await this.received.next('assign', withinMs);
    this.run = { runId: assignment.runId, attempt: assignment.attempt, next: 0 };
    return assignment;
  }

  async put(blob: Blob): Promise<Response> {
    return fetch(addressAt(this.address.url, `${paths.blobs}/${blob.hash}`), {
      method: 'PUT',
      headers: { authorization: `Bearer ${this.address.token}` },
      body: blob.bytes as Uint8Array<ArrayBuffer>,
    });
  }

  /** Sends events of the held run with the next numbers. @throws Error when they are not accepted */
  async send(...events: TrainerEvent[]): Promise<void> {
    const run = this.run!;
    const answer = await this.batch(run.next, events);
    if (!answer.ok) throw new Error(`the server did not take events from ${run.next}: ${answer.reason}: ${answer.message}`);
    run.next = answer.nextEvent;
  }

  batch(from: number, events: TrainerEvent[], attempt = this.run!.attempt): Promise<BatchAnswer> {
    return this.socket.emitWithAck('events', pack({ runId: this.run!.runId, attempt, from, events }));
  }

  /** Answers a question about a checkpoint. */
  answer(ticket: string, result: QuestionAnswer['result']): void {
    this.socket.emit('answer', pack({ ticket, result }));
  }

  close(): void {
    this.socket.disconnect();
  }
}
