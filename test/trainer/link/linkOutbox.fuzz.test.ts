import { describe, expect, it } from 'vitest';
import type { TrainerEvent } from '~/shared/events';
import type { BatchAnswer } from '~/shared/protocol';
import { rowCount, seqCount } from '~/shared/rows';
import type { Rows } from '~/shared/series';
import { CommittedLog, flattenAll } from '~/test/support/scriptedServer';
import { type EventLog, type Numbered, Outbox, type OutboxBatch } from '~/trainer/link/outbox';
import { RandomStream } from '~/trainer/nn/random';

/** The simplest log there is; the file version has its own test. It forgets what was trimmed, so that a read of it shows. */
class ArrayLog implements EventLog {
  events: Numbered[] = [];
  append(n: Numbered) {
    this.events.push(n);
  }
  read(number: number) {
    return this.events.filter((n) => n.number + seqCount(n.event) > number);
  }
  trim(number: number) {
    this.events = this.events.filter((n) => n.number + seqCount(n.event) > number);
  }
  clear() {
    this.events = [];
  }
}

const width = 3;

/** One simulated life of a link: a random schedule of production, delivery, loss, restarts and odd answers, drawn from `seed`. */
function simulate(seed: number): { produced: TrainerEvent[]; committed: unknown[]; batches: number; restarts: number } {
  const random = new RandomStream(seed, 'link-fuzz');
  let position = 0;
  const below = (n: number) => random.integer(position++, n);

  const outbox = new Outbox(new ArrayLog());
  const server = new CommittedLog();
  const produced: TrainerEvent[] = [];
  let step = 0;
  let online = true;
  let restarts = 0;
  let batches = 0;
  /** Batches on their way to the server; one connection keeps order, what an old connection still carries may come at any time. */
  let requests: OutboxBatch[] = [];
  let answers: { batch: OutboxBatch; answer: BatchAnswer }[] = [];
  let awaited: OutboxBatch | null = null;

  const produce = () => {
    const event: TrainerEvent =
      below(4) === 0
        ? { type: 'alert', step, level: 'info', kind: 'test', message: `alert ${produced.length}` }
        : rows(step, 1 + below(below(60) === 0 ? 6000 : 5));
    step += event.type === 'rows' ? rowCount(event) : 0;
    produced.push(event);
    outbox.append(event);
  };
  const send = () => {
    if (!online) return;
    const batch = outbox.take();
    if (!batch) return;
    batches++;
    awaited = batch;
    requests.push(batch);
  };
  const serverTakes = () => {
    const at = below(requests.length);
    const batch = requests[at]!;
    // A request delivered twice stays in the list.
    if (below(8) !== 0) requests.splice(at, 1);
    const mood = below(12);
    let answer: BatchAnswer;
    if (mood === 0) answer = { ok: false, reason: 'unavailable', message: 'busy' };
    else if (mood === 1) answer = { ok: false, reason: 'missing-blob', hash: 'a'.repeat(64), message: 'not here' };
    else if (server.commit(batch.from, batch.events)) answer = { ok: true, nextEvent: server.nextEvent };
    else answer = { ok: false, reason: 'gap', nextEvent: server.nextEvent, message: 'gap' };
    if (batch === awaited) answers.push({ batch, answer });
  };
  const clientHears = () => {
    const { batch, answer } = answers.shift()!;
    const outcome = outbox.answered(batch, answer);
    if (outcome.kind === 'rejected' || outcome.kind === 'fenced') throw new Error(`seed ${seed}: ${outcome.message}`);
  };
  const disconnect = () => {
    online = false;
    restarts++;
    answers = [];
    if (awaited) outbox.lost(awaited);
    // Half of the time what is under way still arrives, after the new registration.
    if (below(2) === 0) requests = [];
  };
  const reconnect = () => {
    online = true;
    const outcome = outbox.resumeAt(server.nextEvent);
    if (outcome.kind !== 'next') throw new Error(`seed ${seed}: ${outcome.message}`);
  };

  for (let turn = 0; turn < 400; turn++) {
    const dice = below(10);
    if (dice < 3) produce();
    else if (dice < 5) send();
    else if (dice < 7 && requests.length > 0) serverTakes();
    else if (dice < 8 && answers.length > 0) clientHears();
    else if (dice === 8 && online && below(4) === 0) disconnect();
    else if (dice === 9 && !online) reconnect();
  }
  if (!online) reconnect();
  requests = [];
  answers = [];
  if (awaited) outbox.lost(awaited);
  for (let turn = 0; !outbox.drained; turn++) {
    if (turn > 10_000) throw new Error(`seed ${seed}: not drained, acked ${outbox.acked} of ${outbox.next}`);
    send();
    if (requests.length > 0) serverTakes();
    while (answers.length > 0) clientHears();
    if (awaited) outbox.lost(awaited);
  }
  return { produced, committed: server.flat, batches, restarts };
}

const rowValues = (step: number): Float64Array => (rows(step, 1) as Rows).values;
const rows = (firstStep: number, count: number): TrainerEvent => ({
  type: 'rows',
  stream: 'steps',
  steps: { first: firstStep, count },
  values: Float64Array.from({ length: count * width }, (_, i) => (firstStep * width + i) / 7),
});

describe('the outbox', () => {
  it('over lost, repeated and late batches, odd answers and server restarts: what is committed is what was made, once and in order', () => {
    let restarts = 0;
    let batches = 0;
    for (let seed = 0; seed < 200; seed++) {
      const run = simulate(seed);
      restarts += run.restarts;
      batches += run.batches;
      // As text: deep equality of half a million rows takes most of a minute.
      expect(JSON.stringify(run.committed) === JSON.stringify(flattenAll(run.produced)), `seed ${seed}`).toBe(true);
    }
    // The schedules really contained what they are meant to test.
    expect(restarts).toBeGreaterThan(500);
    expect(batches).toBeGreaterThan(5000);
  });

  it('numbers a rows event of n rows with n numbers and joins rows that follow one another', () => {
    const outbox = new Outbox(new ArrayLog());
    const alert: TrainerEvent = { type: 'alert', step: 3, level: 'info', kind: 'k', message: 'm' };
    for (const e of [rows(0, 2), rows(2, 1), alert, rows(3, 1), rows(7, 1)]) outbox.append(e);
    // Rows of one stream are one event also where steps are left out between them.
    const sparse = {
      ...rows(3, 1),
      steps: Float64Array.of(3, 7),
      values: Float64Array.from([3, 7].flatMap((s) => [...rowValues(s)])),
    };
    expect(outbox.take()).toEqual({ from: 0, to: 6, events: [rows(0, 3), alert, sparse] });
    expect(outbox.take()).toBeNull();
  });

  it('cuts batches at 4096 places and 256 kB, inside a rows event if need be', () => {
    const outbox = new Outbox(new ArrayLog());
    outbox.append(rows(0, 5000));
    const first = outbox.take()!;
    expect([first.from, first.to]).toEqual([0, 4096]);
    expect(outbox.answered(first, { ok: true, nextEvent: 4096 })).toEqual({ kind: 'next' });
    expect(outbox.take()).toEqual({ from: 4096, to: 5000, events: [rows(4096, 904)] });

    const wide = new Outbox(new ArrayLog());
    wide.append({ type: 'rows', stream: 'steps', steps: { first: 0, count: 2 }, values: new Float64Array(80_000) });
    // One row alone is over the limit: it goes by itself.
    expect(wide.take()).toEqual({
      from: 0,
      to: 1,
      events: [{ type: 'rows', stream: 'steps', steps: { first: 0, count: 1 }, values: new Float64Array(40_000) }],
    });
  });

  it('starts again inside an event where the server has committed part of it', () => {
    const outbox = new Outbox(new ArrayLog());
    outbox.append(rows(0, 4));
    const batch = outbox.take()!;
    outbox.answered(batch, { ok: false, reason: 'gap', nextEvent: 3, message: '' });
    expect(outbox.take()).toEqual({ from: 3, to: 4, events: [rows(3, 1)] });
  });

  it('ignores the answer to a batch that was given up', () => {
    const outbox = new Outbox(new ArrayLog());
    outbox.append(rows(0, 1));
    const old = outbox.take()!;
    outbox.lost(old);
    const again = outbox.take()!;
    outbox.answered(old, { ok: false, reason: 'fenced', message: 'late' });
    expect(outbox.take()).toBeNull();
    expect(outbox.answered(again, { ok: true, nextEvent: 1 })).toEqual({ kind: 'next' });
    expect(outbox.drained).toBe(true);
  });

  it('says so when the server asks for events that were committed, or that do not exist', () => {
    const outbox = new Outbox(new ArrayLog());
    outbox.append(rows(0, 2));
    expect(outbox.resumeAt(3)).toEqual({ kind: 'rejected', message: 'the server expects event 3, this trainer has made 2' });
    expect(outbox.resumeAt(2)).toEqual({ kind: 'next' });
    expect(outbox.resumeAt(1)).toEqual({
      kind: 'rejected',
      message: 'the server expects event 1 though it has committed all below 2',
    });
  });

  it('after abandon the next event follows the committed ones', () => {
    const outbox = new Outbox(new ArrayLog());
    outbox.append(rows(0, 3));
    outbox.answered(outbox.take()!, { ok: true, nextEvent: 2 });
    expect(outbox.answered(outbox.take()!, { ok: false, reason: 'invalid', message: 'bad row' })).toEqual({
      kind: 'rejected',
      message: 'the server does not accept events 2 to 2: bad row',
    });
    outbox.abandon();
    const end: TrainerEvent = { type: 'status', status: 'failed', step: 2, message: 'bad row' };
    outbox.append(end);
    expect(outbox.take()).toEqual({ from: 2, to: 3, events: [end] });
  });
});
