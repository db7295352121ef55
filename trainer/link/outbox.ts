/**
 * The trainer's half of exactly-once: numbers the events of one attempt, hands them out in batches, and keeps each until the server has
 * committed it. Pure: no socket, timer or file, so that a seeded simulation can check it (test/trainer/link/linkOutbox.fuzz.test.ts).
 *
 * Invariants: acked <= sent <= next; events in [acked, next) can be read from the log; one batch at a time is in flight, so
 * events reach the server in order, and rows logged meanwhile are sent together in the next batch.
 */
import type { TrainerEvent } from '~/shared/events';
import type { BatchAnswer } from '~/shared/protocol';
import { firstStepOf, lastStepOf, rowCount, rowsBetween, seqCount, widthOf, withPlainSteps } from '~/shared/rows';
import type { Rows } from '~/shared/series';
import { headCount } from '~/shared/snapshotFile';
import { unreachable } from '~/shared/unreachable';

/** An event and its first number; a `rows` event of n rows has the numbers number .. number + n - 1. */
export interface Numbered {
  number: number;
  event: TrainerEvent;
}

/** Stores events in order until they are trimmed. */
export interface EventLog {
  append(numbered: Numbered): void;
  /** Events starting with the one that contains `number`: at least one if there is one, then more up to about `maxNumbers` and `maxBytes`. */
  read(number: number, maxNumbers: number, maxBytes: number): Numbered[];
  /** May delete events that are completely below `number`. */
  trim(number: number): void;
  /** Deletes all events. */
  clear(): void;
}

export interface OutboxBatch {
  from: number;
  /** One more than the last number. */
  to: number;
  events: TrainerEvent[];
}

export type Outcome =
  /** The batch is committed, or sending continues from another number: take the next batch immediately. */
  | { kind: 'next' }
  /** Send the same batch again after a while. */
  | { kind: 'retry'; message: string }
  /** Upload the blobs of the batch again, then send it again. */
  | { kind: 'missing-blob'; message: string }
  /** A later attempt owns the run: drop it. */
  | { kind: 'fenced'; message: string }
  /** The server will never take these events; the run cannot continue. */
  | { kind: 'rejected'; message: string };

const maxNumbers = 4096;
const maxBytes = 256 * 1024;

export class Outbox {
  #next = 0;
  #acked = 0;
  #inFlight: OutboxBatch | null = null;

  constructor(private readonly log: EventLog) {}

  /** Number of the next event. */
  get next(): number {
    return this.#next;
  }

  /** All events below this number are committed. */
  get acked(): number {
    return this.#acked;
  }

  get drained(): boolean {
    return this.#acked === this.#next;
  }

  append(event: TrainerEvent): void {
    this.log.append({ number: this.#next, event });
    this.#next += seqCount(event);
  }

  /** What to send now; null while a batch is in flight or when everything is committed. */
  take(): OutboxBatch | null {
    if (this.#inFlight || this.drained) return null;
    const events: TrainerEvent[] = [];
    let bytes = 0;
    let to = this.#acked;
    for (const { number, event } of this.log.read(this.#acked, maxNumbers, maxBytes)) {
      const rest = dropFront(event, to - number);
      const fitting = upTo(rest, maxNumbers - (to - this.#acked), maxBytes - bytes, events.length === 0);
      if (!fitting) break;
      events.push(fitting);
      to += seqCount(fitting);
      bytes += sizeOf(fitting);
      if (seqCount(fitting) < seqCount(rest)) break;
    }
    if (events.length === 0) throw new Error(`the log lacks event ${this.#acked}, events up to ${this.#next} were appended`);
    this.#inFlight = { from: this.#acked, to, events: joined(events) };
    return this.#inFlight;
  }

  /** The answer to `batch`; ignored if the batch is no longer in flight (the answer came too late and the batch was sent again). */
  answered(batch: OutboxBatch, answer: BatchAnswer): Outcome {
    if (batch !== this.#inFlight) return { kind: 'next' };
    this.#inFlight = null;
    if (answer.ok) return this.resumeAt(answer.nextEvent);
    switch (answer.reason) {
      case 'gap':
        return this.resumeAt(answer.nextEvent);
      case 'unavailable':
        return { kind: 'retry', message: answer.message };
      case 'missing-blob':
        return { kind: 'missing-blob', message: answer.message };
      case 'fenced':
        return { kind: 'fenced', message: answer.message };
      case 'invalid':
        return {
          kind: 'rejected',
          message: `the server does not accept events ${batch.from} to ${batch.to - 1}: ${answer.message}`,
        };
      default:
        return unreachable(answer);
    }
  }

  /** The batch in flight will get no answer (connection lost, or timeout): it is sent again. */
  lost(batch: OutboxBatch): void {
    if (batch === this.#inFlight) this.#inFlight = null;
  }

  /** The server has committed everything below `nextEvent` and nothing from it on. */
  resumeAt(nextEvent: number): Outcome {
    this.#inFlight = null;
    if (nextEvent > this.#next)
      return { kind: 'rejected', message: `the server expects event ${nextEvent}, this trainer has made ${this.#next}` };
    if (nextEvent < this.#acked)
      return {
        kind: 'rejected',
        message: `the server expects event ${nextEvent} though it has committed all below ${this.#acked}`,
      };
    this.#acked = nextEvent;
    this.log.trim(nextEvent);
    return { kind: 'next' };
  }

  /** Deletes every uncommitted event, so that the next appended event follows the committed ones. */
  abandon(): void {
    this.#inFlight = null;
    this.log.clear();
    this.#next = this.#acked;
  }
}

/** Approximate size on the wire, bytes. */
export const sizeOf = (event: TrainerEvent): number => {
  if (event.type === 'rows') return 128 + event.stream.length + bytesOf(event);
  if (event.type === 'series') return 256 + 96 * event.columns.length;
  if (event.type === 'snapshot') return 512 + 96 * event.layers.length + 20 * headCount(event.layers) * event.signals.length;
  if (event.type === 'started')
    return 4096 + 96 * ((event.streams ?? []).reduce((n, s) => n + s.columns.length, 0) + (event.params?.length ?? 0));
  if (event.type === 'media' || event.type === 'console') return 512 + 2 * (event.text?.length ?? 0);
  return 512;
};

const bytesOf = ({ steps, times, values }: Rows): number =>
  values.byteLength + (times?.byteLength ?? 0) + (steps instanceof Float64Array ? steps.byteLength : 0);

/** The event without its first `n` seqs. */
function dropFront(event: TrainerEvent, n: number): TrainerEvent {
  if (n === 0) return event;
  if (event.type !== 'rows' || n < 0 || n >= rowCount(event))
    throw new Error(`the log gave an event that does not cover the wanted number`);
  return rowsBetween(event, n, rowCount(event));
}

/** The first part of the event that fits; null when nothing fits, or at least one seq if `must`. */
function upTo(event: TrainerEvent, seqsLeft: number, bytesLeft: number, must: boolean): TrainerEvent | null {
  if (event.type !== 'rows') return must || (seqsLeft >= 1 && sizeOf(event) <= bytesLeft) ? event : null;
  const all = rowCount(event);
  const rowBytes = bytesOf(event) / all;
  const count = Math.min(all, seqsLeft, Math.max(must ? 1 : 0, Math.floor((bytesLeft - 128) / rowBytes)));
  if (count <= 0) return null;
  return count === all ? event : rowsBetween(event, 0, count);
}

/** Joins consecutive rows of one stream into one event with one array. */
function joined(events: TrainerEvent[]): TrainerEvent[] {
  const out: TrainerEvent[] = [];
  for (let i = 0; i < events.length; ) {
    const first = events[i]!;
    let end = i + 1;
    while (end < events.length && follows(events[end - 1]!, events[end]!)) end++;
    out.push(first.type === 'rows' && end > i + 1 ? concat(events.slice(i, end) as Rows[]) : first);
    i = end;
  }
  return out;
}

const follows = (a: TrainerEvent, b: TrainerEvent): boolean =>
  a.type === 'rows' &&
  b.type === 'rows' &&
  a.stream === b.stream &&
  lastStepOf(a) < firstStepOf(b) &&
  widthOf(a) === widthOf(b) &&
  (a.times === undefined) === (b.times === undefined);

function concat(parts: Rows[]): Rows {
  const count = parts.reduce((n, p) => n + rowCount(p), 0);
  const steps = new Float64Array(count);
  const times = parts[0]!.times && new Float64Array(count);
  const values = new Float64Array(parts.reduce((n, p) => n + p.values.length, 0));
  let row = 0;
  let at = 0;
  for (const p of parts) {
    if (p.steps instanceof Float64Array) steps.set(p.steps, row);
    else for (let i = 0; i < p.steps.count; i++) steps[row + i] = p.steps.first + i;
    if (times) times.set(p.times!, row);
    values.set(p.values, at);
    row += rowCount(p);
    at += p.values.length;
  }
  return withPlainSteps({ type: 'rows', stream: parts[0]!.stream, steps, ...(times && { times }), values });
}
