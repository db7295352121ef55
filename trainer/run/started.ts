import type { Started } from '~/shared/trainerEvents';
import type { OpenedBackend } from '~/trainer/backends/types';
import type { Learner, Task } from '~/trainer/types';
import { declaration } from './commands';
import type { Control, Settings } from './controls';
import { columnsOf, stepStream } from './rows';

interface Parts {
  backend: Pick<OpenedBackend, 'name' | 'device' | 'tried'>;
  learner: Pick<Learner, 'params'>;
  task: Task;
}

/** The description of a run: its device, series, controls, parameters and length. */
export function startedEvent(
  { backend, learner, task }: Parts,
  controls: readonly Control[],
  settings: Settings,
  step: number,
  totalSteps: number,
): Started {
  const { schedule, batchSize } = settings.config;
  return {
    type: 'started',
    step,
    device: { backend: backend.name, device: backend.device, tried: backend.tried.map((t) => ({ ...t })) },
    streams: [{ stream: stepStream, columns: columnsOf(learner.params, task) }],
    controls: declaration(controls),
    values: Object.fromEntries(controls.map((c) => [c.spec.name, c.read(settings)])),
    params: learner.params.map(({ name, shape }) => ({ name, shape: [...shape] })),
    lengths: { stepsPerEpoch: Math.floor(task.sizes.train / batchSize), totalSteps },
    schedule: { kind: schedule.kind, warmupSteps: schedule.warmupSteps },
    ...(task.data !== null && { data: task.data }),
  };
}
