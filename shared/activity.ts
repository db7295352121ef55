import type { RunEvent } from './events';

/** What people and the server did to a run beside steering it, kept in the order of the log for those who read what happened. */
type Kept =
  | 'control.locked'
  | 'control.requested'
  | 'proposal.answered'
  | 'note'
  | 'run.labelled'
  | 'run.queued'
  | 'snapshots.thinned';
type Whole = Extract<RunEvent, { type: Kept }>;
/** Without the long list of what was thinned. */
export type ActivityEvent =
  | Exclude<Whole, { type: 'snapshots.thinned' }>
  | Omit<Extract<Whole, { type: 'snapshots.thinned' }>, 'seqs'>;

export interface ActivityEntry {
  seq: number;
  at: number;
  /** Where the run stood. */
  step: number;
  event: ActivityEvent;
}

/** null: the event is not activity. */
export function activityEvent(event: RunEvent): ActivityEvent | null {
  switch (event.type) {
    case 'snapshots.thinned': {
      const { seqs: _seqs, ...rest } = event;
      return rest;
    }
    case 'control.locked':
    case 'control.requested':
    case 'proposal.answered':
    case 'note':
    case 'run.labelled':
    case 'run.queued':
      return event;
    default:
      return null;
  }
}
