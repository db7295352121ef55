import type { CheckpointEvent } from '~/shared/events';

/** Why something was recorded. */
export const triggerWords: Record<CheckpointEvent['trigger'], string> = {
  start: 'at the start',
  cadence: 'on schedule',
  epoch: 'end of an epoch',
  command: 'on request',
  best: 'best so far',
  end: 'at the end',
  alert: 'on an alert',
  shutdown: 'as the trainer was stopped',
};
