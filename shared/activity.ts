import type { RunEvent } from './events';

/** Activity: what people and the server did to a run besides steering it, in the order of the log. */
type Kept =
  | 'control.locked'
  | 'control.requested'
  | 'control.refused'
  | 'proposal.answered'
  | 'note'
  | 'run.labelled'
  | 'run.queued'
  | 'snapshots.thinned'
  | 'checkpoints.thinned';
type Whole = Extract<RunEvent, { type: Kept }>;
type Thinned = Extract<Whole, { seqs: number[] }>;
/** Without the long lists of thinned items. */
export type ActivityEvent = Exclude<Whole, Thinned> | Omit<Thinned, 'seqs' | 'superseded'>;

export interface ActivityEntry {
  seq: number;
  at: number;
  /** Step of the run at that time. */
  step: number;
  event: ActivityEvent;
}

/** null: the event is not activity. */
export function activityEvent(event: RunEvent): ActivityEvent | null {
  switch (event.type) {
    case 'snapshots.thinned':
    case 'checkpoints.thinned': {
      const { seqs: _seqs, superseded: _superseded, ...rest } = event;
      return rest;
    }
    case 'control.locked':
    case 'control.requested':
    case 'control.refused':
    case 'proposal.answered':
    case 'note':
    case 'run.labelled':
    case 'run.queued':
      return event;
    default:
      return null;
  }
}
