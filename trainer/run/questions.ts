/**
 * Questions about a run's parameters: one table, each entry a question's declaration together with its answer. People ask a run between two steps
 * (actions.ts), or a checkpoint of any run (checkpointQueries.ts); a new question is one more entry here.
 */
import { analysisKinds } from '~/shared/analyses';
import type { ActionSpec, ControlValue } from '~/shared/controls';
import type { Split } from '~/trainer/base/splits';
import type { Learner, ModelShape, Probe, Task } from '~/trainer/types';
import { type Answer, ablate, ablationExamples, parseHeads, permutationCheck } from './analyses';
import { argument, splitArgument } from './declare';
import { findMistakes, mistakesBatch } from './mistakes';

/** The parameters and examples of a question. */
export interface Subject {
  task: Task;
  learner: Pick<Learner, 'shape' | 'attend'>;
  /** The examples that the next snapshot of the run would record. */
  probe(): Probe;
}

type Args = Record<string, ControlValue>;

export interface AskedOf {
  spec: ActionSpec;
  /** Describes the work, for the log. */
  doing(args: Args): string;
  /** Why arguments that fit the declaration do not fit the model; null when they do. */
  validationError?(args: Args, shape: ModelShape): { field: string; message: string } | null;
  /** Number of forward passes. */
  passes(args: Args, subject: Subject): number;
  answer(args: Args, subject: Subject): Promise<Answer>;
}

const places = (args: Args, shape: ModelShape) => {
  const parsed = parseHeads(String(args.heads), shape);
  if (typeof parsed === 'string') throw new RangeError(parsed);
  return parsed;
};

export const questions: AskedOf[] = [
  {
    spec: {
      name: analysisKinds.ablateHeads,
      label: 'Switch heads off',
      help: 'Loss and accuracy without heads, by zero and by mean, on validation examples; training is not touched by it.',
      args: [
        argument({
          name: 'heads',
          label: 'Heads',
          help: '"all" = each head alone; or heads to switch off together, as layer.head from 1.1, apart by commas.',
          type: 'text',
          default: 'all',
        }),
      ],
      risky: false,
      question: true,
    },
    doing: ({ heads }) => `switching heads off: ${String(heads).slice(0, 100)}`,
    validationError({ heads }, shape) {
      const parsed = parseHeads(String(heads), shape);
      return typeof parsed === 'string' ? { field: 'heads', message: parsed } : null;
    },
    passes: (args, { learner: { shape } }) => 1 + 2 * (places(args, shape) === null ? shape.layers * shape.heads : 1),
    answer(args, { task, learner }) {
      const [batch] = task.evaluationBatches('validation', ablationExamples);
      return ablate(learner, batch!, places(args, learner.shape));
    },
  },
  {
    spec: {
      name: analysisKinds.permutationCheck,
      label: 'Check permutations',
      help: 'Shuffle the probe examples, run again, undo the shuffle: without positions, logits and maps must be the same.',
      args: [
        argument({
          name: 'seed',
          label: 'Seed',
          help: 'Decides the shuffle.',
          type: 'integer',
          min: 0,
          max: 0xffff_ffff,
          default: 1,
        }),
      ],
      risky: false,
      question: true,
    },
    doing: () => 'checking permutations',
    passes: () => 2,
    answer: ({ seed }, { learner, probe }) => permutationCheck(learner, probe().batch, seed as number),
  },
  {
    spec: {
      name: analysisKinds.findMistakes,
      label: 'Find mistakes',
      help: 'Which examples of a set are answered wrongly, ready to be taken as probe examples; training is not touched by it.',
      args: [
        splitArgument,
        argument({
          name: 'examples',
          label: 'Examples',
          help: 'How many to look at, from the first.',
          type: 'integer',
          unit: 'examples',
          min: 1,
          max: 10_000,
          default: 512,
        }),
      ],
      risky: false,
      question: true,
    },
    doing: (args) => `looking for mistakes in the ${args.split} set`,
    passes: (args, { task }) => Math.ceil(Math.min(args.examples as number, task.sizes[args.split as Split]) / mistakesBatch),
    answer: (args, { task, learner }) => findMistakes(learner, task, args.split as Split, args.examples as number),
  },
];

/** The given arguments, with defaults for missing ones. */
export const withDefaults = ({ args }: ActionSpec, given: Args): Args =>
  Object.fromEntries(args.map((a) => [a.name, given[a.name] ?? a.default]));
