import type { RunConfig } from '~/shared/config';
import type { Task } from '../types';

type AnomalyConfig = Extract<RunConfig['task'], { kind: 'anomaly' }>;

/** Ten pictures, one of another class. */
export async function anomalyTask(_seed: number, _config: AnomalyConfig, _dataFolder: string): Promise<Task> {
  throw new Error('task.kind: "anomaly" is not available in this version; choose "reverse"');
}
