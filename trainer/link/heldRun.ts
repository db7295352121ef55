import { join } from 'node:path';
import type { TrainerEvent } from '~/shared/events';
import { pathProblem } from '~/shared/pathProblem';
import { lastStepOf } from '~/shared/rows';
import { BlobError, blobsOf } from './blobs';
import type { realHost } from './linkHost';
import { keyOf, type LinkStart } from './messages';
import { Outbox } from './outbox';
import { Spool } from './spool';

type Blobs = readonly { hash: string; bytes: Uint8Array }[];

/** The run that this trainer holds: its events and blobs until the server has them. */
export class HeldRun {
  readonly runId: string;
  readonly attempt: number;
  readonly outbox: Outbox;
  readonly spool: Spool;
  /** Highest command seq received. */
  lastCommandSeq: number;
  lastStep: number;
  /** The run's last event was put. */
  ended = false;
  /** What the disk has not taken yet, oldest first. */
  #waiting: [TrainerEvent, Blobs][] = [];
  /** Blobs that are too large to be sent, and why. */
  readonly #leftOut = new Map<string, string>();

  constructor(
    { runId, attempt }: { runId: string; attempt: number },
    private readonly start: LinkStart,
    private readonly to: { host: Pick<typeof realHost, 'putBlob'>; log(line: string): void },
    at: { lastCommandSeq: number; lastStep: number },
  ) {
    this.runId = runId;
    this.attempt = attempt;
    this.spool = new Spool(join(start.spoolFolder, keyOf(this)));
    this.outbox = new Outbox(this.spool);
    this.lastCommandSeq = at.lastCommandSeq;
    this.lastStep = at.lastStep;
  }

  /** Outputs that are not in the outbox, because the disk does not take them. */
  get waiting(): number {
    return this.#waiting.length;
  }

  /** To be followed by `spoolWaiting`. */
  put(event: TrainerEvent, blobs: Blobs): void {
    this.#waiting.push([event, blobs]);
    if (event.type === 'rows') this.lastStep = lastStepOf(event) + 1;
  }

  /** @returns why the disk does not take what was put: it is kept in memory, to be tried again; null when all is in the outbox */
  spoolWaiting(): string | null {
    try {
      for (let next = this.#waiting[0]; next; next = this.#waiting[0]) {
        const [event, blobs] = next;
        for (const { hash, bytes } of blobs) this.spool.putBlob(hash, bytes, this.outbox.next);
        this.outbox.append(event);
        this.#waiting.shift();
      }
      return null;
    } catch (error) {
      if (typeof (error as NodeJS.ErrnoException).errno !== 'number') throw error;
      return `${this.start.spoolFolder}: ${pathProblem(error, 'write')}`;
    }
  }

  /** Puts the run's last event in the place of all that is not committed. */
  endWith(event: TrainerEvent): void {
    this.outbox.abandon();
    this.#waiting = [];
    this.put(event, []);
    this.ended = true;
  }

  /**
   * Uploads what the event names.
   *
   * @returns the event, or an alert in its place when that is too large to be sent
   * @throws BlobError, or the network's error, when the server has not taken it
   */
  async uploaded(event: TrainerEvent): Promise<TrainerEvent> {
    const step = 'step' in event && event.step !== null ? event.step : this.lastStep;
    for (const hash of blobsOf(event)) {
      try {
        if (!this.#leftOut.has(hash)) await this.#upload(hash);
      } catch (error) {
        if (!(error instanceof BlobError && error.status === 413)) throw error;
        this.to.log(`a ${event.type} of run ${this.runId} is left out: ${error.message}`);
        this.#leftOut.set(hash, error.message);
      }
      const why = this.#leftOut.get(hash);
      if (why === undefined) continue;
      const message = `the ${event.type} of step ${step} is left out: ${why}`;
      return { type: 'alert', step, level: 'warning', kind: 'left-out', message };
    }
    return event;
  }

  /** The server lacks blobs of these events that it had taken. */
  uploadAgain(events: readonly TrainerEvent[]): void {
    for (const hash of events.flatMap(blobsOf)) this.spool.setUploaded(hash, false);
  }

  async #upload(hash: string): Promise<void> {
    const bytes = this.spool.blob(hash);
    // The server may have a blob without this trainer's doing; if not, it answers missing-blob.
    if (!bytes) return;
    await this.to.host.putBlob(this.start, hash, bytes);
    this.spool.setUploaded(hash, true);
  }
}
