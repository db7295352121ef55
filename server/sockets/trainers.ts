/** The trainers' link: passes socket.io messages to the registry and back. */
import { createServer, type IncomingMessage } from 'node:http';
import { Server, type Socket } from 'socket.io';
import { z } from 'zod';
import { diskFullWords, isDiskFull } from '~/server/base/diskFull';
import type { Log } from '~/server/base/log';
import { describeZodError } from '~/server/base/zodError';
import type { Questions } from '~/server/dispatch/questions';
import { type Trainers, versionRefusal } from '~/server/dispatch/trainers';
import type { TrainerPort } from '~/server/dispatch/trainerTable';
import type { Actor } from '~/shared/ids';
import { unpack } from '~/shared/pack';
import {
  type BatchAnswer,
  closeRequest,
  eventBatch,
  heartbeat,
  openRequest,
  paths,
  questionAnswer,
  questionProgress,
  registration,
  type ServerToTrainer,
  type TrainerToServer,
} from '~/shared/protocol';
import { refuse } from '~/shared/refusals';
import { type Link, socketOptions } from './link';
import { listen, validationError } from './messages';

type Data = { actor: Actor | null; spoolBytes: number; clockAheadMs: number | undefined };
type TrainerSocket = Socket<TrainerToServer, ServerToTrainer, Record<string, never>, Data>;

const noToken =
  'a trainer needs a token, and none came, or one that is not known: set HEADROOM_TRAINER_TOKEN to one of scope trainer (Team page), or to what trainer.token in the data folder holds';

interface Asked {
  registry: Trainers;
  questions: Pick<Questions, 'progress' | 'answer'>;
}

export interface TrainerLink extends Link {
  /** Connected trainers, and the bytes they keep until the server has taken them. */
  counts(): { trainers: number; spoolBytes: number };
  /** Disconnects trainers whose token is no longer valid. */
  recheck(): Promise<void>;
}

export function openTrainerLink(
  deps: Asked & {
    log: Log;
    /** The owner of the request's token; null = not a trainer's token. */
    whoIs(request: IncomingMessage): Promise<Actor | null>;
    onError(error: unknown): void;
  },
): TrainerLink {
  const http = createServer();
  const io = new Server<TrainerToServer, ServerToTrainer, Record<string, never>, Data>(
    http,
    socketOptions({ path: paths.trainers, maxBytes: 16 * 2 ** 20, allow: () => null }),
  );
  /** When the next refusal may be logged, on performance.now(). */
  let quietUntil = 0;
  io.use((socket, next) => {
    deps.whoIs(socket.request).then((actor) => {
      socket.data.actor = actor;
      socket.data.spoolBytes = 0;
      const { headers, issued } = socket.handshake;
      const sentAt = Date.parse(headers.date ?? '');
      socket.data.clockAheadMs = Number.isNaN(sentAt) ? undefined : sentAt - issued;
      if (actor) return next();
      // Whoever is refused tries again every few seconds, and so may everybody who reaches the port.
      if (performance.now() >= quietUntil) {
        quietUntil = performance.now() + 60_000;
        deps.log.warn({ address: socket.handshake.address }, `trainer refused: ${noToken}`);
      }
      next(new Error(noToken));
    }, next);
  });
  io.on('connection', (socket) => serveTrainer(socket, deps, deps.log, deps.onError));
  return {
    http,
    counts() {
      const all = [...io.sockets.sockets.values()];
      return { trainers: all.length, spoolBytes: all.reduce((bytes, { data }) => bytes + data.spoolBytes, 0) };
    },
    async recheck() {
      for (const socket of io.sockets.sockets.values()) if (!(await deps.whoIs(socket.request))) socket.disconnect(true);
    },
    close: () => io.close(),
  };
}

/** Serves one connection. */
export function serveTrainer(
  socket: TrainerSocket,
  { registry, questions }: Asked,
  log: Log,
  onError: (error: unknown) => void,
): void {
  let trainerId: string | null = null;
  const ids = () => ({ connection: socket.id, trainer: trainerId });
  const port: TrainerPort = {
    assign(a) {
      log.info({ ...ids(), runId: a.runId, attempt: a.attempt }, 'run assigned to a trainer');
      socket.emit('assign', a);
    },
    command: (c) => void socket.emit('command', c),
    release(r) {
      log.info({ ...ids(), runId: r.runId, attempt: r.attempt }, `run taken from a trainer: ${r.message}`);
      socket.emit('release', r);
    },
    ask: (q) => void socket.emit('ask', q),
    forget: (f) => void socket.emit('forget', f),
    close: () => void socket.disconnect(true),
    clockAheadMs: socket.data.clockAheadMs,
  };
  const on = listen(socket, { admit: () => true, onError });
  // A trainer of another release is refused before its message is parsed any further.
  on('register', z.unknown(), (message) => {
    const refusal = versionRefusal(message);
    if (refusal) {
      log.warn(ids(), `trainer refused: ${refusal.message}`);
      return refusal;
    }
    const parsed = registration.safeParse(message);
    if (!parsed.success) return validationError(parsed.error);
    trainerId = parsed.data.trainerId;
    const { name, host, pid, holding } = parsed.data;
    log.info({ ...ids(), name, host, pid, holding }, 'trainer registered');
    return registry.register(parsed.data, port);
  });
  on('heartbeat', heartbeat.optional(), (state) => {
    socket.data.spoolBytes = state?.spoolBytes ?? 0;
  });
  on('open', openRequest, (request) => {
    const { actor } = socket.data;
    if (trainerId === null || !actor) return refuse('state', 'register first');
    return registry.open(trainerId, port, actor, request).then((answer) => {
      const run = answer.ok ? { runId: answer.runId, attempt: answer.attempt } : { refusal: answer.message };
      log.info({ ...ids(), ...run }, answer.ok ? 'run opened by a script' : 'run not opened');
      return answer;
    });
  });
  on('close', closeRequest, (request) =>
    trainerId === null ? refuse('state', 'register first') : registry.closeRun(trainerId, port, request),
  );
  on('ready', z.undefined(), () => (trainerId === null ? undefined : registry.ready(trainerId, port)));
  on('events', z.instanceof(Uint8Array), async (packed): Promise<BatchAnswer> => {
    if (trainerId === null) return { ok: false, reason: 'unavailable', message: 'register first' };
    const batch = read(eventBatch, packed);
    if (typeof batch === 'string') return { ok: false, reason: 'invalid', message: batch };
    try {
      return await registry.events(trainerId, port, batch);
    } catch (error) {
      onError(error);
      const message = isDiskFull(error) ? diskFullWords : 'the server could not store the events; send them again';
      return { ok: false, reason: 'unavailable', message };
    }
  });
  on('progress', questionProgress, (p) => (trainerId === null ? undefined : questions.progress(trainerId, p)));
  on('answer', z.instanceof(Uint8Array), (packed) => {
    const answer = read(questionAnswer, packed);
    if (typeof answer === 'string') return refuse('invalid', `answer: ${answer}`);
    return trainerId === null ? undefined : questions.answer(trainerId, answer);
  });
  // Any message shows that the trainer is alive.
  socket.onAny(() => {
    if (trainerId !== null) registry.opened.heard(trainerId);
  });
  socket.on('disconnect', (reason) => {
    log.info(ids(), `trainer disconnected: ${reason}`);
    if (trainerId !== null) registry.gone(trainerId, port);
  });
}

/** The message, or what is wrong with it. */
function read<T>(schema: z.ZodType<T>, packed: Uint8Array): T | string {
  let message: unknown;
  try {
    message = unpack(packed);
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
  const parsed = schema.safeParse(message);
  return parsed.success ? parsed.data : describeZodError(parsed.error);
}
