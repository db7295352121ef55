/** Checks a server by acting as a trainer (shared/PROTOCOL.md): each check is one sentence of the protocol page. Leaves runs in the project "conformance". */
import { createHash, randomUUID } from 'node:crypto';
import { io, type Socket } from 'socket.io-client';
import { pack } from '~/shared/pack';
import { addressAt, paths } from '~/shared/protocol';
import { connected } from '~/test/support/connected';
import { equal, need, Report } from './report';

type Answer = Record<string, unknown> & { ok: boolean; reason?: string; message?: string };

const answerWithinMs = 15_000;

/** A trainer process with one connection. */
class Player {
  socket!: Socket;
  readonly id = randomUUID();
  constructor(
    private readonly url: string,
    private readonly token: string,
  ) {}

  /** Resolves once connected, rejects with the server's message. */
  async connect(): Promise<void> {
    const address = addressAt(this.url, paths.trainers);
    this.socket = io(address.origin, {
      path: address.pathname,
      transports: ['websocket'],
      reconnection: false,
      forceNew: true,
      extraHeaders: { authorization: `Bearer ${this.token}` },
    });
    await connected(this.socket);
  }

  ask(name: string, payload: unknown): Promise<Answer> {
    return this.socket.timeout(answerWithinMs).emitWithAck(name, payload);
  }

  register(holding: unknown[] = [], more: object = {}): Promise<Answer> {
    return this.ask('register', {
      version: 2,
      trainerId: this.id,
      name: 'conformance',
      host: 'here',
      pid: process.pid,
      recipes: [],
      memoryBytes: 1,
      holding,
      ...more,
    });
  }

  open(key: string, more: object = {}): Promise<Answer> {
    const setup = { name: 'conformance', project: 'conformance', config: { __nested: { lr: 1 } } };
    return this.ask('open', { key, setup, ...more });
  }

  events(run: { runId: unknown; attempt: unknown }, from: number, ...events: unknown[]): Promise<Answer> {
    return this.ask('events', pack({ runId: run.runId, attempt: run.attempt, from, events }));
  }

  leave(): void {
    this.socket.disconnect();
  }
}

const started = (step: number) => ({ type: 'started', step });
const running = (step: number) => ({ type: 'status', status: 'running', step });
const stream = { type: 'series', stream: 'train', columns: [{ name: 'loss', role: 'loss' }, { name: '__proto__' }] };
const rows = (first: number, count: number) => ({
  type: 'rows',
  stream: 'train',
  steps: { first, count },
  values: Float64Array.from({ length: 2 * count }, (_, i) => (i === 0 ? Number.NaN : i)),
});

export async function checkServer(url: string, token: string, print: (line: string) => void): Promise<Report> {
  const report = new Report(print);
  const key = `conformance-${randomUUID()}`;
  const player = new Player(url, token);
  let run: { runId: string; attempt: number } = { runId: '', attempt: 0 };

  await report.check('a wrong token is refused before anything else', async () => {
    const stranger = new Player(url, 'no-such-token');
    const refused = await stranger.connect().then(
      () => false,
      () => true,
    );
    stranger.leave();
    need(refused, 'the connection was accepted');
  });
  await report.check('a known token connects', () => player.connect().then(() => undefined));
  if (report.failed > 0 && !player.socket?.connected) return report;
  await report.check('another version is refused, and the answer names the field', async () => {
    const answer = await player.register([], { version: 1 });
    equal([answer.ok, answer.reason, answer.field], [false, 'invalid', 'version'], 'answer');
  });
  await report.check('a registration that does not fit names its field', async () => {
    const answer = await player.register([], { pid: 'x' });
    equal([answer.ok, answer.reason, answer.field], [false, 'invalid', 'pid'], 'answer');
  });
  await report.check(
    'a registration is accepted',
    async () => equal(await player.register(), { ok: true, holding: [] }, 'answer') as undefined,
  );
  await report.check(
    'resume "must" refuses an unknown key',
    async () => equal((await player.open(key, { resume: 'must' })).reason, 'unknown-run', 'reason') as undefined,
  );
  await report.check('a script’s run has no recipe', async () => {
    const setup = { name: 'x', config: {}, recipe: { name: 'reverse', trainer: null } };
    equal((await player.open(key, { setup })).reason, 'invalid', 'reason');
  });
  await report.check('a new key makes a run', async () => {
    const answer = await player.open(key);
    need(answer.ok, String(answer.message));
    equal(
      [answer.nextEvent, answer.commands, answer.state],
      [0, [], { step: 0, status: 'queued' }],
      'nextEvent, commands, state',
    );
    run = { runId: String(answer.runId), attempt: Number(answer.attempt) };
  });
  if (run.runId === '') return report;
  await report.check('the same request again gives the same attempt', async () => {
    const { runId, attempt } = await player.open(key);
    equal({ runId, attempt }, run, 'run');
  });
  await report.check(
    'events are stored: an event takes one number, rows one each',
    async () =>
      equal(
        await player.events(run, 0, started(0), stream, running(0), rows(0, 10)),
        { ok: true, nextEvent: 13 },
        'answer',
      ) as undefined,
  );
  await report.check(
    'events that are sent again are taken once',
    async () =>
      equal(
        await player.events(run, 0, started(0), stream, running(0), rows(0, 10)),
        { ok: true, nextEvent: 13 },
        'answer',
      ) as undefined,
  );
  await report.check(
    'of an overlap only what is new is taken',
    async () => equal(await player.events(run, 8, rows(5, 10)), { ok: true, nextEvent: 18 }, 'answer') as undefined,
  );
  await report.check('a gap is answered with the number that is missing', async () => {
    const answer = await player.events(run, 30, rows(20, 1));
    equal([answer.ok, answer.reason, answer.nextEvent], [false, 'gap', 18], 'answer');
  });
  await report.check(
    'an event that does not fit is set aside, the others are kept',
    async () =>
      equal(
        await player.events(run, 18, { type: 'nonsense' }, { type: 'evaluation', step: 'x' }, rows(3, 4), rows(15, 2)),
        { ok: true, nextEvent: 26 },
        'answer',
      ) as undefined,
  );
  await report.check('a batch that is none is refused', async () => {
    equal((await player.ask('events', new Uint8Array([1, 2, 3]))).reason, 'invalid', 'three bytes');
    equal((await player.events(run, -1, rows(17, 1))).reason, 'invalid', 'from -1');
    equal(
      (await player.events({ ...run, attempt: run.attempt + 7 }, 26, rows(17, 1))).reason,
      'invalid',
      'an attempt never given out',
    );
  });
  await report.check('steps may be sparse, up to 2^53 - 1, and samples, console and evaluations have any name', async () => {
    const events = [
      { type: 'series', stream: 'tokens', columns: [{ name: 'constructor' }] },
      { type: 'rows', stream: 'tokens', steps: Float64Array.of(0, 10 ** 12, 2 ** 53 - 1), values: Float64Array.of(1, 2, 3) },
      { type: 'evaluation', step: 17, split: 'held out', metrics: [{ name: 'bleu', value: 31, better: 'higher', main: true }] },
      { type: 'media', step: 17, name: 'sample/0', kind: 'text', text: 'once upon a time' },
      { type: 'console', stream: 'err', text: 'a line\n' },
    ];
    equal(await player.events(run, 26, ...events), { ok: true, nextEvent: 33 }, 'answer');
  });

  const bytes = new TextEncoder().encode(`conformance ${randomUUID()}`);
  const hash = createHash('sha256').update(bytes).digest('hex');
  const put = (name: string, body: Uint8Array<ArrayBuffer>, as = token) =>
    fetch(`${url}/api/blobs/${name}`, { method: 'PUT', headers: { authorization: `Bearer ${as}` }, body });
  const named = { type: 'media', step: 17, name: 'file', kind: 'text', blob: { hash, bytes: bytes.length } };
  await report.check('an event whose blob is not there waits for it', async () => {
    const answer = await player.events(run, 33, named);
    equal([answer.ok, answer.reason, answer.hash], [false, 'missing-blob', hash], 'answer');
  });
  await report.check(
    'a blob with another hash than its name is refused',
    async () => equal((await put(hash, new Uint8Array([0]))).status, 400, 'status') as undefined,
  );
  await report.check(
    'a blob needs a token',
    async () => need((await put(hash, bytes, 'no-such-token')).status >= 400, 'it was taken') as undefined,
  );
  await report.check('a blob is stored, twice if need be, and its event then taken', async () => {
    equal([(await put(hash, bytes)).status, (await put(hash, bytes)).status], [201, 201], 'status');
    equal(await player.events(run, 33, named), { ok: true, nextEvent: 34 }, 'answer');
  });
  await report.check('a blob can be read', async () => {
    const answer = await fetch(`${url}/api/blobs/${hash}`, { headers: { authorization: `Bearer ${token}` } });
    equal([...new Uint8Array(await answer.arrayBuffer())], [...bytes], 'bytes');
  });

  await report.check('one process has several runs', async () => {
    const second = await player.open(`${key}-second`);
    need(second.ok, String(second.message));
    equal(await player.events(second as never, 0, started(0)), { ok: true, nextEvent: 1 }, 'the second');
    equal(await player.events(run, 34, running(17)), { ok: true, nextEvent: 35 }, 'the first');
    equal(await player.ask('close', { runId: second.runId, attempt: second.attempt }), { ok: true }, 'close');
    equal((await player.events(second as never, 1, running(0))).reason, 'fenced', 'after close');
  });
  await report.check('after a new connection the process goes on where it was', async () => {
    player.leave();
    await player.connect();
    const strange = { runId: 'nosuchrun', attempt: 1, lastCommandSeq: 0 };
    const answer = await player.register([{ ...run, lastCommandSeq: 0 }, strange]);
    const [held, other] = answer.holding as Answer[];
    equal([held?.ok, held?.nextEvent, held?.commands, other?.ok], [true, 35, [], false], 'holding');
  });
  await report.check('a living process keeps its run: another one is refused as busy', async () => {
    const other = new Player(url, token);
    await other.connect();
    await other.register();
    equal((await other.open(key, { resume: 'allow' })).reason, 'busy', 'reason');
    equal((await other.events(run, 35, running(17))).reason, 'fenced', 'its events');
    other.leave();
  });
  await report.check(
    'a known key is refused with resume "never"',
    async () => equal((await player.open(key)).reason, 'state', 'reason') as undefined,
  );
  await report.check('the same key comes back as a new attempt, which fences the old one off', async () => {
    player.leave();
    const again = new Player(url, token);
    await again.connect();
    await again.register();
    const answer = await again.open(key, { resume: 'must' });
    need(answer.ok, String(answer.message));
    equal([answer.runId, Number(answer.attempt) > run.attempt, answer.nextEvent], [run.runId, true, 0], 'run');
    const state = answer.state as { step: number; status: string };
    // The last of all steps has none after it.
    equal(state.step, 2 ** 53 - 1, 'state.step');
    const now = answer as unknown as { runId: string; attempt: number };
    equal(
      await again.events(now, 0, { type: 'rewind', step: 5 }, started(5), running(5), rows(5, 2)),
      { ok: true, nextEvent: 5 },
      'from step 5',
    );
    await player.connect();
    const back = await player.register([{ ...run, lastCommandSeq: 0 }]);
    equal((back.holding as Answer[])[0]?.ok, false, 'the old attempt');
    equal((await player.events(run, 35, running(17))).reason, 'fenced', 'its events');
    const fork = await again.open(`${key}-fork`, { fork: { runId: run.runId, step: 6 } });
    equal([fork.ok, (fork.state as { step?: number })?.step], [true, 6], 'a fork');
    equal(await again.events(now, 5, { type: 'status', status: 'finished', step: 7 }), { ok: true, nextEvent: 6 }, 'the end');
    equal((await again.events(now, 6, rows(7, 1))).reason, 'fenced', 'after the end');
    again.leave();
  });
  player.leave();
  return report;
}
