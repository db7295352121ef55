import type { RunState } from '~/trainer/nn/checkpoint';

/** The state of a run between two updates that a checkpoint stores, besides values and vectors. */
export type State = Omit<RunState, 'values' | 'updates'>;

export const freshState = (): State => ({
  step: 0,
  position: { epoch: 0, index: 0 },
  lastCommandSeq: 0,
  held: [],
  best: null,
  validated: null,
  newestEvaluations: {},
  evaluationsSinceBest: 0,
  enough: null,
  notFinite: false,
  paused: false,
  stepsToPause: null,
  pending: [],
  asked: [],
  samplesDue: false,
  driftSnapshotAt: null,
  checkpointDue: null,
  ended: null,
});

/** The state for a branch, which has its own log: drops the parent's commands and pauses, keeps what the parent computed. */
export const asBranch = (state: State): State => ({
  ...state,
  lastCommandSeq: 0,
  held: [],
  paused: false,
  stepsToPause: null,
  pending: state.pending.filter((job) => job.commandId === null),
  asked: [],
  // A branch from the parent's end is meant to continue.
  enough: state.ended ? null : state.enough,
  ended: null,
});
