import { monitorEventLoopDelay } from 'node:perf_hooks';
import { collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { Route } from '~/server/base/route';

/** Values counted at each request for metrics. */
export interface Counts {
  /** Open connections of viewers. */
  viewers: number;
  /** Watched runs, summed over all connections. */
  watching: number;
  /** Frames that viewers have not answered. */
  framesUnanswered: number;
  trainers: number;
  /** Bytes that connected trainers hold back because the server has not taken them yet. */
  spoolBytes: number;
  runs: ReadonlyMap<string, number>;
  /** Runs that wait for a trainer. */
  queue: number;
  questions: number;
}

export interface Metrics {
  commit(ms: number): void;
  /** Records an answered request. `route`: its path in the table of routes. */
  answered(route: string, status: number, ms: number): void;
  route(counts: () => Counts): Route;
  close(): void;
}

/** Metrics of the process, created once: another registry would measure the same again. */
let ofProcess: Registry | null = null;

/** Metrics for Prometheus at /metrics. */
export function openMetrics(): Metrics {
  if (!ofProcess) {
    ofProcess = new Registry();
    collectDefaultMetrics({ register: ofProcess });
  }
  const register = new Registry();
  const loop = monitorEventLoopDelay({ resolution: 10 });
  loop.enable();
  const gauge = (name: string, help: string, collect?: (this: Gauge) => void) =>
    new Gauge({ name: `headroom_${name}`, help, registers: [register], ...(collect && { collect }) });
  new Gauge({
    name: 'headroom_loop_delay_seconds',
    help: 'How late the event loop is, since the last time this was asked for.',
    labelNames: ['quantile'],
    registers: [register],
    collect() {
      for (const quantile of [50, 99, 100])
        this.set({ quantile: String(quantile / 100) }, Math.max(0, loop.percentile(quantile) / 1e9 - 0.01));
      loop.reset();
    },
  });
  const commits = new Histogram({
    name: 'headroom_commit_seconds',
    help: 'Time until appended entries survive a kill of the process.',
    buckets: [0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10],
    registers: [register],
  });
  const requests = new Histogram({
    name: 'headroom_request_seconds',
    help: 'Time until a request was answered, by its route.',
    labelNames: ['route', 'status'],
    buckets: [0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10],
    registers: [register],
  });
  const gauges = {
    viewers: gauge('viewers', 'Open connections of viewers.'),
    watching: gauge('watching', 'Runs watched, by each connection.'),
    framesUnanswered: gauge('frames_unanswered', 'Frames sent to viewers and not answered yet.'),
    trainers: gauge('trainers', 'Connected trainers.'),
    spoolBytes: gauge('spool_bytes', 'Bytes that connected trainers keep until the server has taken them.'),
    queue: gauge('queue', 'Runs that wait for a trainer.'),
    questions: gauge('questions', 'Questions about checkpoints that wait or are being answered.'),
  };
  const runs = new Gauge({ name: 'headroom_runs', help: 'Runs by status.', labelNames: ['status'], registers: [register] });

  return {
    commit: (ms) => commits.observe(ms / 1000),
    answered: (route, status, ms) => requests.observe({ route, status }, ms / 1000),
    route: (counts) => ({
      method: 'GET',
      path: '/metrics',
      for: 'watch runs',
      async handle({ response }) {
        const now = counts();
        for (const [name, gauge] of Object.entries(gauges)) gauge.set(now[name as keyof typeof gauges]);
        runs.reset();
        for (const [status, count] of now.runs) runs.set({ status }, count);
        response.writeHead(200, { 'content-type': register.contentType, 'cache-control': 'no-store' });
        response.end(`${await ofProcess!.metrics()}\n${await register.metrics()}`);
      },
    }),
    close: () => loop.disable(),
  };
}
