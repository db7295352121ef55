import type { RunStatus } from '~/shared/view';

const words: Record<RunStatus, string> = {
  queued: 'queued',
  starting: 'starting',
  running: 'running',
  paused: 'paused',
  waiting: 'trainer away',
  finished: 'finished',
  stopped: 'stopped',
  failed: 'failed',
  crashed: 'crashed',
};
export const statusWord = (status: RunStatus): string => words[status];
