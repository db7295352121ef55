/** The position of a run in its data: only (epoch, index), so that the batch size can change between any two steps. */
export interface Position {
  /** Epochs completed; determines the order of the examples. */
  epoch: number;
  /** Examples of this epoch already used. */
  index: number;
}

/** A remainder smaller than a batch is left out: the epoch is over when no whole batch is left. */
export const epochIsOver = (at: Position, batchSize: number, trainSize: number): boolean => at.index + batchSize > trainSize;

/** Updates from here to the end of `epochs` with this batch size. */
export function stepsLeft(at: Position, batchSize: number, trainSize: number, epochs: number): number {
  if (at.epoch >= epochs) return 0;
  return Math.floor((trainSize - at.index) / batchSize) + (epochs - at.epoch - 1) * Math.floor(trainSize / batchSize);
}
