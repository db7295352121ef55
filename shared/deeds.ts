import type { RunEvent } from './events';

/** What people and the server did to a run beside steering it, kept in the order of the log for those who read what happened. */
type Kept = 'wheel' | 'wheel.asked' | 'proposal.answered' | 'note' | 'run.labelled' | 'run.queued' | 'snapshots.thinned';
type Whole = Extract<RunEvent, { type: Kept }>;
/** Without the long list of what was thinned. */
export type DeedEvent =
  | Exclude<Whole, { type: 'snapshots.thinned' }>
  | Omit<Extract<Whole, { type: 'snapshots.thinned' }>, 'seqs'>;

export interface Deed {
  seq: number;
  at: number;
  /** Where the run stood. */
  step: number;
  event: DeedEvent;
}

/** null: the event is no such deed. */
export function deedEvent(event: RunEvent): DeedEvent | null {
  switch (event.type) {
    case 'snapshots.thinned': {
      const { seqs: _seqs, ...rest } = event;
      return rest;
    }
    case 'wheel':
    case 'wheel.asked':
    case 'proposal.answered':
    case 'note':
    case 'run.labelled':
    case 'run.queued':
      return event;
    default:
      return null;
  }
}
