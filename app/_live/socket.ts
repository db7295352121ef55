import { io, type Socket } from 'socket.io-client';
import type { Actor } from '~/shared/ids';
import { unpack } from '~/shared/pack';
import { paths } from '~/shared/paths';
import { viewerParser } from '~/shared/viewerParser';
import type { Frame, Look, ServerToViewer, ViewerToServer } from '~/shared/viewerProtocol';
import { type Awake, browserAwakeHost, createAwake } from './awake';
import { atBase } from './base';
import { connection } from './connection';
import { identity } from './identity';
import { Listeners } from './listeners';
import { openQuestions } from './questions';
import { lookEveryMs, serverTime } from './serverTime';
import type { Wire, WireListener } from './wire';

const answerWithinMs = 10_000;
/** Some proxies neither forward a websocket nor refuse it. */
const connectWithinMs = 4_000;
/** Once plain requests are tried too, the line itself may be slow: opening a connection takes several round trips. */
const connectSlowlyWithinMs = 12_000;
/** A connection without messages for this long is replaced by a new one. */
const giveUpAfterMs = 10_000;
/** Some proxies cut every connection now and then: one that is back by then was not missed. */
const missedAfterMs = 2_000;
export const socketOptions = {
  path: atBase(paths.viewers),
  parser: viewerParser,
  transports: ['websocket'],
  timeout: connectWithinMs,
  reconnectionDelay: 300,
  reconnectionDelayMax: 5_000,
  randomizationFactor: 0.5,
  auth: (send: (data: object) => void) => send({ person: identity.get().you?.id }),
};

let shared: Wire | null = null;

/** The one socket of this tab, opened on first use, or when the tab is first shown. */
export function viewerWire(): Wire {
  shared ??= socketWire(io({ ...socketOptions, autoConnect: false }), createAwake(browserAwakeHost));
  return shared;
}

export function socketWire(socket: Socket<ServerToViewer, ViewerToServer>, awake: Awake): Wire {
  const listeners = new Listeners<WireListener>();
  /** Why the server disconnected this tab: more informative than the errors of the reconnection attempts. */
  let putOut: string | null = null;
  socket.on('dropped', ({ runId, message }) => {
    if (runId === null) putOut = message;
  });
  let websocketWorks = false;
  let watchingQuestions = 0;
  let silent = false;
  let missed: ReturnType<typeof setTimeout> | undefined;
  const sayProblem = (problem: string | null) => problem === connection.get().problem || connection.set({ problem });
  const down = (why: string | null) => {
    clearTimeout(missed);
    silent = false;
    const { refused, times } = connection.get();
    const lost = times === 0 ? 'connecting' : awake.get() ? 'reconnecting' : 'resting';
    connection.set({ link: (why ?? refused) === null ? lost : 'refused', refused: why ?? refused, problem: null });
    listeners.each((l) => l.down?.(why, !awake.get()));
  };
  const connect = () => (awake.get() ? socket.connect() : socket.disconnect());
  awake.subscribe(connect);
  awake.show('any run');
  const shown = new Map<string, () => void>();
  setInterval(() => {
    const ms = serverTime.look(performance.now());
    if (ms === null || !socket.connected) return;
    if (ms > 0 || silent) listeners.each((l) => l.silent?.(ms));
    if (ms > 0 !== silent) connection.set({ link: ms > 0 ? 'silent' : 'live' });
    silent = ms > 0;
    if (ms > giveUpAfterMs) socket.disconnect().connect();
  }, lookEveryMs);
  socket.onAny(() => serverTime.heard(performance.now()));
  socket.on('time', ({ now, problem }) => {
    serverTime.hear(now, Date.now(), performance.now());
    sayProblem(problem ?? null);
  });
  socket.on('connect', () => {
    serverTime.heard(performance.now());
    clearTimeout(missed);
    putOut = null;
    connection.set({ link: 'live', refused: null, times: connection.get().times + 1 });
    if (watchingQuestions > 0) socket.emit('watchQuestions');
    websocketWorks ||= socket.io.engine.transport.name === 'websocket';
    listeners.each((l) => l.up?.());
  });
  socket.on('disconnect', (reason) => {
    serverTime.reset();
    if (putOut === null && socket.active) missed = setTimeout(() => down(null), missedAfterMs);
    else down(putOut);
    // The server disconnected this tab (e.g. its session was revoked): socket.io does not reconnect automatically then.
    if (reason === 'io server disconnect') setTimeout(connect, 1_000);
  });
  socket.on('connect_error', (error: Error & { data?: unknown }) => {
    // A middleware's refusal stops socket.io's own retries; a plain transport error does not.
    const refused = !socket.active;
    // A proxy may block websockets: use plain requests, which are upgraded to a websocket where possible.
    if (!refused && !websocketWorks) {
      socket.io.opts.transports = ['polling', 'websocket'];
      socket.io.timeout(connectSlowlyWithinMs);
    }
    const why = refused ? (error.data ? error.message : (putOut ?? error.message)) : null;
    down(why);
    if (refused) setTimeout(connect, 5_000);
  });
  // Acknowledged after processing, even if nobody watches that run any more: an unacknowledged frame would block the others.
  socket.on('frame', (bytes, ack) => {
    try {
      const frame = unpack(bytes) as Frame;
      listeners.each((l) => l.frame?.(frame));
    } finally {
      ack();
    }
  });
  socket.on('watchers', ({ runId, watchers }) => listeners.each((l) => l.watchers?.(runId, watchers)));
  socket.on('looks', ({ runId, looks, sharing }) => listeners.each((l) => l.looks?.(runId, looks, sharing)));
  socket.on('runs', (changed) => listeners.each((l) => l.runs?.(changed)));
  socket.on('you', (you) => {
    identity.set({ you });
    listeners.each((l) => l.you?.(you));
  });
  socket.on('notice', (notice) => listeners.each((l) => l.notice?.(notice)));
  socket.on('answered', (asked) => listeners.each((l) => l.answered?.(asked)));
  socket.on('questions', (list) => openQuestions.set({ list }));
  socket.on('trainers', (trainers) => listeners.each((l) => l.trainers?.(trainers)));

  connect();

  const asking = () => socket.timeout(answerWithinMs);
  const known = <A extends { ok: boolean; you?: Actor }>(answer: A): A => {
    if (answer.you) identity.set({ you: answer.you });
    return answer;
  };
  /** The newest look at each run: the server refuses one that comes before it lets the page watch the run, so it is sent again then. */
  const looks = new Map<string, Look | null>();
  return {
    up: () => socket.connected,
    watch: async (request) => {
      if (!shown.has(request.runId)) shown.set(request.runId, awake.show(request.runId));
      const answer = known(await asking().emitWithAck('watch', request));
      const look = looks.get(request.runId);
      if (answer.ok && look !== undefined) socket.emit('look', { runId: request.runId, look });
      return answer;
    },
    command: (command) => asking().emitWithAck('command', command),
    watchRuns: async () => known(await asking().emitWithAck('watchRuns')),
    look(runId, look) {
      looks.set(runId, look);
      if (socket.connected) socket.emit('look', { runId, look });
    },
    tab: () => socket.id ?? null,
    unwatch(runId) {
      looks.delete(runId);
      shown.get(runId)?.();
      shown.delete(runId);
      if (socket.connected) socket.emit('unwatch', { runId });
    },
    unwatchRuns: () => void (socket.connected && socket.emit('unwatchRuns')),
    watchQuestions() {
      watchingQuestions++;
      if (socket.connected) socket.emit('watchQuestions');
      return () => {
        if (--watchingQuestions === 0 && socket.connected) socket.emit('unwatchQuestions');
      };
    },
    listen: listeners.add,
  };
}
