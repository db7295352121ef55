/** The actions of a run: one table, each entry an action's declaration together with its effect. */
import type { LoggedCommand, Refusal } from '~/shared/commands';
import type { ActionSpec, ControlValue } from '~/shared/controls';
import type { Actor } from '~/shared/ids';
import { refuse } from '~/shared/refusals';
import { pauseAction } from '~/trainer/base/pauseAction';
import { type Split, split } from '~/trainer/base/splits';
import type { ModelShape } from '~/trainer/types';
import { argument } from './declare';
import { type AskedOf, questions } from './questions';

/** What an action may do to a run. Pauses are between updates. */
export interface Steered {
  readonly step: number;
  readonly paused: boolean;
  /** Updates until the next pause; null = no limit. */
  readonly stepsToPause: number | null;
  pause(message: string): void;
  /** Continues for `steps` updates, or without limit if null. */
  resume(steps: number | null, message: string): void;
  stop(message: string): void;
  evaluate(split: Split, commandId: string): void;
  snapshot(commandId: string): Promise<void>;
  checkpoint(commandId: string): Promise<void>;
  readonly shape: ModelShape;
  ask(question: AskedOf, args: Record<string, ControlValue>, commandId: string): void;
  /** Drops a command that waits for its condition. @returns whether there was such a command */
  cancel(commandId: string, by: Actor): boolean;
}

/** `effect` runs after the answer is in the log, so that a checkpoint contains no unanswered command. */
export type Outcome =
  | { ok: true; before: ControlValue; after: ControlValue; message: string; effect?: () => void | Promise<void> }
  | Refusal;

export interface Action {
  spec: ActionSpec;
  /** Called with all arguments of `spec`, each valid. */
  act(run: Steered, args: Record<string, ControlValue>, by: LoggedCommand): Outcome;
}

const mode = (run: Steered) => (run.paused ? 'paused' : 'running');
const done = (message: string, effect?: () => void | Promise<void>): Outcome => ({
  ok: true,
  before: null,
  after: null,
  message,
  ...(effect && { effect }),
});

const asAction = (question: AskedOf): Action => ({
  spec: question.spec,
  act(run, args, { command }) {
    const validationError = question.validationError?.(args, run.shape);
    if (validationError) return refuse('invalid', validationError.message, validationError.field);
    return done(`${question.doing(args)}, at step ${run.step}`, () => run.ask(question, args, command.id));
  },
});

export const actions: Action[] = [
  {
    spec: {
      ...pauseAction,
      label: 'Pause',
      help: 'Stop between two steps; commands are still answered.',
      args: [],
      risky: false,
    },
    act: (run, _args, { actor }) =>
      run.paused
        ? refuse('state', `pause: the run is already paused at step ${run.step}; resume it or let it step`)
        : {
            ok: true,
            before: mode(run),
            after: 'paused',
            message: `paused at step ${run.step}`,
            effect: () => run.pause(`paused by ${actor.name}`),
          },
  },
  {
    spec: { name: 'resume', role: 'resume', label: 'Resume', help: 'Go on training.', args: [], risky: false },
    act: (run, _args, { actor }) =>
      run.paused || run.stepsToPause !== null
        ? {
            ok: true,
            before: mode(run),
            after: 'running',
            message: `resumed at step ${run.step}`,
            effect: () => run.resume(null, `resumed by ${actor.name}`),
          }
        : refuse('state', 'resume: the run is not paused'),
  },
  {
    spec: {
      name: 'step',
      role: 'step',
      label: 'Step',
      help: 'Do so many updates, then pause again.',
      args: [
        argument({
          name: 'count',
          label: 'Steps',
          help: 'Updates to do.',
          type: 'integer',
          unit: 'steps',
          min: 1,
          max: 1_000_000,
          default: 1,
        }),
      ],
      risky: false,
    },
    act: (run, { count }, { actor }) => {
      if (!run.paused && run.stepsToPause === null) return refuse('state', 'step: the run is not paused; pause it first');
      // Single steps requested in quick succession add up.
      const steps = (run.stepsToPause ?? 0) + (count as number);
      const words = `${steps} step${steps === 1 ? '' : 's'}`;
      return {
        ok: true,
        before: mode(run),
        after: 'running',
        message: `${words} from step ${run.step}, then paused again`,
        effect: () => run.resume(steps, `${words} for ${actor.name}, then paused again`),
      };
    },
  },
  {
    spec: { name: 'stop', role: 'stop', label: 'Stop', help: 'End the run; its last state is saved.', args: [], risky: true },
    act: (run, _args, { actor }) => ({
      ok: true,
      before: mode(run),
      after: 'stopped',
      message: `stopped at step ${run.step}`,
      effect: () => run.stop(`stopped by ${actor.name} at step ${run.step}`),
    }),
  },
  {
    spec: {
      name: 'evaluate',
      role: 'evaluate',
      label: 'Evaluate',
      help: 'Loss, accuracy and what the recipe measures, on a whole set, with the parameters of this step; training is not touched by it.',
      args: [
        argument({
          name: 'split',
          label: 'Set',
          help: 'Which examples.',
          type: 'enum',
          options: [...split.options],
          default: 'test',
        }),
      ],
      risky: false,
    },
    act: (run, args, { command }) =>
      done(`evaluating the ${args.split} set at step ${run.step}`, () => run.evaluate(args.split as Split, command.id)),
  },
  {
    spec: {
      name: 'checkpoint',
      role: 'checkpoint',
      label: 'Save checkpoint',
      help: 'Save the whole state of this step.',
      args: [],
      risky: false,
    },
    act: (run, _args, { command }) => done(`checkpoint of step ${run.step}`, () => run.checkpoint(command.id)),
  },
  {
    spec: {
      name: 'snapshot',
      role: 'snapshot',
      label: 'Take snapshot',
      help: 'Record attention and predictions of the probe examples now.',
      args: [],
      risky: false,
    },
    act: (run, _args, { command }) => done(`snapshot of step ${run.step}`, () => run.snapshot(command.id)),
  },
  ...questions.map(asAction),
  {
    spec: {
      name: 'cancel',
      role: 'cancel',
      label: 'Cancel scheduled command',
      help: 'Drop a command that waits for its condition.',
      args: [
        argument({
          name: 'commandId',
          label: 'Command',
          help: 'Its id, as shown where it is listed.',
          type: 'text',
          default: '',
        }),
      ],
      risky: false,
    },
    act: (run, args, { actor }) =>
      run.cancel(String(args.commandId), actor)
        ? done(`command ${args.commandId} canceled`)
        : refuse('state', `cancel: no waiting command has the id ${JSON.stringify(args.commandId).slice(0, 100)}`),
  },
];
