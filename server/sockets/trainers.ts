/** The trainers' link: socket.io messages to the registry and back. */
import { createServer, type IncomingMessage } from 'node:http';
import { Server, type Socket } from 'socket.io';
import { z } from 'zod';
import { describeZodError } from '~/server/base/zodError';
import type { Questions } from '~/server/dispatch/questions';
import { type TrainerPort, type Trainers, versionRefusal } from '~/server/dispatch/trainers';
import { refuse } from '~/shared/commands';
import type { Actor } from '~/shared/ids';
import { unpack } from '~/shared/pack';
import {
  type BatchAnswer,
  closeRequest,
  eventBatch,
  openRequest,
  paths,
  questionAnswer,
  questionProgress,
  registration,
  type ServerToTrainer,
  type TrainerToServer,
} from '~/shared/protocol';
import { type Link, socketOptions } from './link';
import { listen, validationError } from './messages';

type Data = { actor: Actor | null };
type TrainerSocket = Socket<TrainerToServer, ServerToTrainer, Record<string, never>, Data>;

interface Asked {
  registry: Trainers;
  questions: Pick<Questions, 'progress' | 'answer'>;
}

export function openTrainerLink(
  deps: Asked & {
    /** Whose token it is; null = no trainer's. */
    whoIs(request: IncomingMessage): Promise<Actor | null>;
    onError(error: unknown): void;
  },
): Link {
  const http = createServer();
  const io = new Server<TrainerToServer, ServerToTrainer, Record<string, never>, Data>(
    http,
    socketOptions({ path: paths.trainers, maxBytes: 16 * 2 ** 20, allow: () => null }),
  );
  io.use((socket, next) => {
    deps.whoIs(socket.request).then((actor) => {
      socket.data.actor = actor;
      if (actor) next();
      else next(new Error('a trainer needs a token: "authorization: Bearer <token>", see HEADROOM_TRAINER_TOKEN'));
    }, next);
  });
  io.on('connection', (socket) => serve(socket, deps, deps.onError));
  return { http, close: () => io.close() };
}

function serve(socket: TrainerSocket, { registry, questions }: Asked, onError: (error: unknown) => void): void {
  let trainerId: string | null = null;
  const port: TrainerPort = {
    assign: (a) => void socket.emit('assign', a),
    command: (c) => void socket.emit('command', c),
    release: (r) => void socket.emit('release', r),
    ask: (q) => void socket.emit('ask', q),
    forget: (f) => void socket.emit('forget', f),
    close: () => void socket.disconnect(true),
  };
  const on = listen(socket, { admit: () => true, onError });
  // A process of another release is told so before its message is looked at any further.
  on('register', z.unknown(), (message) => {
    const refusal = versionRefusal(message);
    if (refusal) return refusal;
    const parsed = registration.safeParse(message);
    if (!parsed.success) return validationError(parsed.error);
    trainerId = parsed.data.trainerId;
    return registry.register(parsed.data, port);
  });
  on('heartbeat', z.undefined(), () => {});
  on('open', openRequest, (request) => {
    const { actor } = socket.data;
    if (trainerId === null || !actor) return refuse('state', 'register first');
    return registry.open(trainerId, port, actor, request);
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
      return { ok: false, reason: 'unavailable', message: 'the server could not store the events; send them again' };
    }
  });
  on('progress', questionProgress, (p) => (trainerId === null ? undefined : questions.progress(trainerId, p)));
  on('answer', z.instanceof(Uint8Array), (packed) => {
    const answer = read(questionAnswer, packed);
    if (typeof answer === 'string') return refuse('invalid', `answer: ${answer}`);
    return trainerId === null ? undefined : questions.answer(trainerId, answer);
  });
  // Whatever comes is a sign of life.
  socket.onAny(() => {
    if (trainerId !== null) registry.opened.heard(trainerId);
  });
  socket.on('disconnect', () => {
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
