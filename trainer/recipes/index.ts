import type { RunConfig } from '~/shared/config';
import { unreachable } from '~/shared/unreachable';
import type { Task } from '~/trainer/types';
import { anomalyTask } from './anomaly';
import { reverseTask } from './reverse';

/**
 * The task of a run.
 * @param dataFolder where downloaded pictures and features lie (`HEADROOM_DATA`); unused by `reverse`
 * @throws Error when the task's data is missing or broken, naming the command that makes it
 */
export async function createTask(config: Pick<RunConfig, 'seed' | 'task'>, dataFolder: string): Promise<Task> {
  const { seed, task } = config;
  switch (task.kind) {
    case 'reverse':
      return reverseTask(seed, task);
    case 'anomaly':
      return anomalyTask(seed, task, dataFolder);
    default:
      return unreachable(task);
  }
}
