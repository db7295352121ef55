/** The viewers' link: passes socket.io messages to the hub and back. */
import { createServer, type IncomingMessage } from 'node:http';
import { isDeepStrictEqual } from 'node:util';
import { Server, type Socket } from 'socket.io';
import { z } from 'zod';
import type { Clock } from '~/server/base/clock';
import type { Log } from '~/server/base/log';
import { may } from '~/server/base/permissions';
import { rateLimit } from '~/server/base/rateLimit';
import type { OpenHub } from '~/server/runs/hub';
import { Presence, type Present } from '~/server/runs/presence';
import { type Identity, signedOut, someoneElse } from '~/server/web/identity';
import { command } from '~/shared/commands';
import { type Actor, runId } from '~/shared/ids';
import { answeredBy, noticeOf } from '~/shared/notices';
import { paths } from '~/shared/protocol';
import { refuse } from '~/shared/refusals';
import type { RunSummary } from '~/shared/summary';
import { viewerParser } from '~/shared/viewerParser';
import { lookMessage, type ServerToViewer, type ViewerToServer, type WatchAnswer, watchRequest } from '~/shared/viewerProtocol';
import type { Watching } from '~/shared/watching';
import { type Link, socketOptions } from './link';
import { listen } from './messages';

/** `watching` and `framesUnanswered` are counted for the metrics. */
type Data = { actor: Actor; watching: number; framesUnanswered: number };
type ViewerSocket = Socket<ViewerToServer, ServerToViewer, Record<string, never>, Data>;

/** Most runs that one socket may watch at a time. */
const maxWatched = 32;
const timeEveryMs = 1_000;
const questionsEveryMs = 500;
/** The sockets that follow the open questions, as a room of socket.io. */
const questionWatchers = 'questions';
export const maxUnsentPackets = 256;
const maxUnsentLists = 4;

export interface ViewerLink extends Link {
  /** Checks all identities again, e.g. after a session was revoked; unknown viewers are disconnected immediately. */
  recheck(): Promise<void>;
  counts(): { viewers: number; watching: number; framesUnanswered: number };
}

export function openViewerLink(deps: {
  hub: OpenHub;
  identity: Identity;
  clock: Clock;
  log: Log;
  allow(request: IncomingMessage): string | null;
  /** What keeps the server from working now, in words; null = nothing. */
  problem(): string | null;
  onError(error: unknown): void;
}): ViewerLink {
  const { hub, identity, clock, log, onError } = deps;
  const http = createServer();
  const io = new Server<ViewerToServer, ServerToViewer, Record<string, never>, Data>(
    http,
    socketOptions({ path: paths.viewers, maxBytes: 64 * 1024, polling: true, parser: viewerParser, allow: deps.allow }),
  );
  const presence = new Presence(clock);
  const whoIs = async (request: IncomingMessage) => {
    const actor = await identity.identify(request);
    return actor && may(actor, 'watch runs') ? actor : null;
  };
  io.use((socket, next) => {
    whoIs(socket.request).then((actor) => {
      if (!actor) return next(new Error('You are not signed in. Sign in again, or open an invite link.'));
      const other = someoneElse(actor, socket.handshake.auth.person);
      if (other) return next(Object.assign(new Error(other), { data: { reason: 'person' } }));
      Object.assign(socket.data, { actor, watching: 0, framesUnanswered: 0 });
      next();
    }, next);
  });
  let cancelTime = () => {};
  const sendTime = () => {
    cancelTime = clock.after(timeEveryMs, sendTime);
    // Volatile: a viewer that does not read can skip this message and use the next.
    io.volatile.emit('time', { now: clock.now(), problem: deps.problem() });
  };
  sendTime();
  let cancelQuestions = () => {};
  let lastQuestions = '';
  // Who joins is given the list as it is then, which may be newer than what was sent to all: the next one is sent even if that was the same.
  io.sockets.adapter.on('join-room', (room) => {
    if (room === questionWatchers) lastQuestions = '';
  });
  const sendQuestions = () => {
    cancelQuestions = clock.after(questionsEveryMs, sendQuestions);
    if (!io.sockets.adapter.rooms.has(questionWatchers)) return;
    const questions = hub.questions.list();
    const text = JSON.stringify(questions);
    if (text === lastQuestions) return;
    lastQuestions = text;
    io.to(questionWatchers).emit('questions', questions);
  };
  sendQuestions();
  const stopNotices = hub.onEntries((runId, entries, view, before) => {
    for (const entry of entries) {
      const answered = answeredBy(runId, entry);
      if (answered !== null) io.emit('answered', answered);
      const found = noticeOf(view, entry, before);
      if (!found) continue;
      const { concerns, ...notice } = found;
      for (const socket of io.sockets.sockets.values()) if (concerns(socket.data.actor)) socket.emit('notice', notice);
    }
  });
  io.on('connection', (socket) => serveViewer(socket, hub, presence, clock, log, onError));
  return {
    http,
    async recheck() {
      for (const socket of io.sockets.sockets.values()) {
        const actor = await whoIs(socket.request);
        if (actor) {
          if (!isDeepStrictEqual(actor, socket.data.actor)) {
            socket.data.actor = actor;
            socket.emit('you', actor);
          }
          continue;
        }
        log.info({ connection: socket.id, actor: socket.data.actor.id }, 'viewer put out: no longer signed in');
        socket.emit('dropped', { runId: null, message: signedOut });
        socket.disconnect(true);
      }
    },
    counts() {
      const all = [...io.sockets.sockets.values()];
      const sum = (of: 'watching' | 'framesUnanswered') => all.reduce((n, { data }) => n + data[of], 0);
      return { viewers: all.length, watching: sum('watching'), framesUnanswered: sum('framesUnanswered') };
    },
    close() {
      cancelTime();
      cancelQuestions();
      stopNotices();
      return io.close();
    },
  };
}

/** Packets that wait because the viewer does not read. */
export const unsentPackets = ({ conn }: Pick<Socket, 'conn'>): number =>
  (conn as unknown as { writeBuffer: unknown[] }).writeBuffer.length;

/** Serves one connection. */
export function serveViewer(
  socket: ViewerSocket,
  hub: OpenHub,
  presence: Presence,
  clock: Clock,
  log: Log,
  onError: (error: unknown) => void,
): void {
  const ids = () => ({ connection: socket.id, actor: socket.data.actor.id });
  log.info(ids(), 'viewer connected');
  const unsent = () => unsentPackets(socket);
  /** By run; `stop` is null while the run is being opened. */
  const watched = new Map<string, { stop: (() => void) | null }>();
  const present = new Map<string, Present>();
  const stop = (id: string) => {
    const w = watched.get(id);
    watched.delete(id);
    if (!w?.stop) return;
    socket.data.watching--;
    w.stop();
  };
  const leave = (id: string) => {
    stop(id);
    present.get(id)?.leave();
    present.delete(id);
  };
  // If a run changes again before a slow viewer has taken the last line, only the newest line is sent.
  const lines = new Map<string, RunSummary>();
  let waiting = false;
  const sendLines = () => {
    if (waiting || lines.size === 0) return;
    if (unsent() > maxUnsentLists) {
      waiting = true;
      socket.conn.once('drain', () => {
        waiting = false;
        sendLines();
      });
      return;
    }
    socket.emit('runs', [...lines.values()]);
    lines.clear();
  };
  const listPort = {
    runs(changed: RunSummary[]) {
      for (const run of changed) lines.set(run.runId, run);
      sendLines();
    },
    trainers: (t: Parameters<ServerToViewer['trainers']>[0]) => void socket.emit('trainers', t),
  };

  async function watch({ runId: id, cursor, frames }: z.infer<typeof watchRequest>): Promise<WatchAnswer> {
    // Whoever watches again has not gone away: others still see where this person looks.
    stop(id);
    if (watched.size >= maxWatched) return refuse('busy', `one connection can watch ${maxWatched} runs`);
    const mine: { stop: (() => void) | null } = { stop: null };
    watched.set(id, mine);
    const port = {
      get actor() {
        return socket.data.actor;
      },
      frame(packed: Uint8Array, acknowledge: () => void) {
        socket.data.framesUnanswered++;
        socket.emit('frame', packed, () => {
          socket.data.framesUnanswered--;
          acknowledge();
        });
      },
      watchers: (watchers: Watching) => void socket.emit('watchers', { runId: id, watchers }),
      drop(message: string) {
        log.warn({ ...ids(), runId: id }, `viewer dropped: ${message}`);
        drop(socket, id, message, clock);
      },
    };
    const joined = await hub.watch(id, port, frames ? cursor : 'relayed');
    if (!joined) {
      if (watched.get(id) === mine) leave(id);
      return refuse('unknown-run', `there is no run ${id}`, 'runId');
    }
    // The viewer left, or asked again, while the run was being opened.
    if (watched.get(id) !== mine || !socket.connected) {
      joined.leave();
      return refuse('state', `the watching of ${id} was ended meanwhile`);
    }
    if (!present.has(id))
      present.set(
        id,
        presence.join(id, {
          tab: socket.id,
          get actor() {
            return socket.data.actor;
          },
          looks: (looks, sharing) => void socket.emit('looks', { runId: id, looks, sharing }),
        }),
      );
    mine.stop = () => joined.leave();
    socket.data.watching++;
    return { ok: true, view: joined.view, you: socket.data.actor };
  }

  const limit = rateLimit(clock, 100, 500);
  // Answers written faster than the viewer reads them would accumulate in this process.
  const reads = () => unsent() <= maxUnsentPackets;
  const on = listen(socket, { admit: (cost) => reads() && limit(cost), onError });
  on('watch', watchRequest, watch, 5);
  on('unwatch', z.strictObject({ runId }), ({ runId: id }) => leave(id));
  on(
    'watchRuns',
    z.undefined(),
    () => {
      hub.list.join(listPort);
      return { ok: true, you: socket.data.actor };
    },
    // A page asks once for each connection.
    100,
  );
  on('unwatchRuns', z.undefined(), () => hub.list.leave(listPort));
  on(
    'watchQuestions',
    z.undefined(),
    () => {
      void socket.join(questionWatchers);
      socket.emit('questions', hub.questions.list());
    },
    20,
  );
  on('unwatchQuestions', z.undefined(), () => void socket.leave(questionWatchers));
  on('command', command, (c) => hub.command(socket.data.actor, c));
  on('look', lookMessage, ({ runId: id, look }) => {
    const here = present.get(id);
    if (!here) return refuse('state', `watch ${id} before you share where you look`, 'runId');
    here.look(look);
  });
  socket.on('disconnect', (reason) => {
    log.info(ids(), `viewer disconnected: ${reason}`);
    hub.list.leave(listPort);
    for (const id of new Set([...watched.keys(), ...present.keys()])) leave(id);
  });
}

/** Closes the connection with a reason; if the viewer does not read, the connection is cut after 2 s. */
export function drop(socket: Pick<ViewerSocket, 'emit' | 'conn'>, runId: string | null, message: string, clock: Clock): void {
  socket.emit('dropped', { runId, message });
  const { conn } = socket;
  conn.close();
  clock.after(2000, () => conn.close(true));
}
