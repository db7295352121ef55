import type { RunState } from '~/trainer/nn/checkpoint';

/** Everything of a run between two updates that a checkpoint keeps, besides values and vectors. */
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

/** A branch has a log of its own: what people did to its parent's log and pauses is not its affair, what its parent computed is. */
export const asBranch = (state: State): State => ({
  ...state,
  lastCommandSeq: 0,
  held: [],
  paused: false,
  stepsToPause: null,
  pending: state.pending.filter((job) => job.commandId === null),
  asked: [],
  // Whoever branches from where the parent ended wants to go on.
  enough: state.ended ? null : state.enough,
  ended: null,
});
