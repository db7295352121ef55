/** The actions of a run: one table, each entry an action's declaration together with its effect. */
import type { LoggedCommand, Refusal } from '~/shared/commands';
import type { ActionSpec, ControlValue } from '~/shared/controls';
import type { Trigger } from '~/shared/events';
import type { Actor } from '~/shared/ids';
import { refuse } from '~/shared/refusals';
import { pauseAction } from '~/trainer/base/pauseAction';
import type { Split } from '~/trainer/base/splits';
import type { ModelShape } from '~/trainer/types';
import type { Asking } from './asking';
import { action, argument, splitArgument } from './declare';
import type { Evaluations } from './evaluations';
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
  snapshot(trigger: Trigger, commandId: string | null): Promise<void>;
  checkpoint(trigger: Trigger, commandId: string | null): Promise<void>;
  readonly shape: ModelShape;
  readonly evaluations: Pick<Evaluations, 'ask' | 'cancel'>;
  readonly asking: Pick<Asking, 'ask' | 'cancel'>;
  readonly orders: { cancel(commandId: string, by: Actor): boolean };
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
type Effect = () => void | Promise<void>;
const done = (message: string, effect?: Effect, [before, after]: [ControlValue, ControlValue] = [null, null]): Outcome => ({
  ok: true,
  before,
  after,
  message,
  ...(effect && { effect }),
});

const asAction = (question: AskedOf): Action => ({
  spec: question.spec,
  act(run, args, { command }) {
    const validationError = question.validationError?.(args, run.shape);
    if (validationError) return refuse('invalid', validationError.message, validationError.field);
    return done(`${question.doing(args)}, at step ${run.step}`, () => run.asking.ask(question, args, command.id));
  },
});

export const actions: Action[] = [
  {
    spec: { ...action('pause', 'Pause', 'Stop between two steps; commands are still answered.'), ...pauseAction },
    act: (run, _args, { actor }) =>
      run.paused
        ? refuse('state', `pause: the run is already paused at step ${run.step}; resume it or let it step`)
        : done(`paused at step ${run.step}`, () => run.pause(`paused by ${actor.name}`), [mode(run), 'paused']),
  },
  {
    spec: action('resume', 'Resume', 'Go on training.'),
    act: (run, _args, { actor }) =>
      run.paused || run.stepsToPause !== null
        ? done(`resumed at step ${run.step}`, () => run.resume(null, `resumed by ${actor.name}`), [mode(run), 'running'])
        : refuse('state', 'resume: the run is not paused'),
  },
  {
    spec: action('step', 'Step', 'Do so many updates, then pause again.', {
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
    }),
    act: (run, { count }, { actor }) => {
      if (!run.paused && run.stepsToPause === null) return refuse('state', 'step: the run is not paused; pause it first');
      // Single steps requested in quick succession add up.
      const steps = (run.stepsToPause ?? 0) + (count as number);
      const words = `${steps} step${steps === 1 ? '' : 's'}`;
      const resume = () => run.resume(steps, `${words} for ${actor.name}, then paused again`);
      return done(`${words} from step ${run.step}, then paused again`, resume, [mode(run), 'running']);
    },
  },
  {
    spec: action('stop', 'Stop', 'End the run; its last state is saved.', { risky: true }),
    act: (run, _args, { actor }) => {
      const stop = () => run.stop(`stopped by ${actor.name} at step ${run.step}`);
      return done(`stopped at step ${run.step}`, stop, [mode(run), 'stopped']);
    },
  },
  {
    spec: action(
      'evaluate',
      'Evaluate',
      'Loss, accuracy and what the recipe measures, on a whole set, with the parameters of this step; training is not touched by it.',
      { args: [splitArgument] },
    ),
    act: (run, args, { command }) =>
      done(`evaluating the ${args.split} set at step ${run.step}`, () => run.evaluations.ask(args.split as Split, command.id)),
  },
  {
    spec: action('checkpoint', 'Save checkpoint', 'Save the whole state of this step.'),
    act: (run, _args, { command }) => done(`checkpoint of step ${run.step}`, () => run.checkpoint('command', command.id)),
  },
  {
    spec: action('snapshot', 'Take snapshot', 'Record attention and predictions of the probe examples now.'),
    act: (run, _args, { command }) => done(`snapshot of step ${run.step}`, () => run.snapshot('command', command.id)),
  },
  ...questions.map(asAction),
  {
    spec: action(
      'cancel',
      'Cancel scheduled command',
      'Drop a command that waits for its condition, or a question or an evaluation that is not answered yet.',
      {
        args: [
          argument({
            name: 'commandId',
            label: 'Command',
            help: 'Its id, as shown where it is listed.',
            type: 'text',
            default: '',
          }),
        ],
      },
    ),
    act: (run, args, { actor }) =>
      run.asking.cancel(String(args.commandId)) ||
      run.evaluations.cancel(String(args.commandId)) ||
      run.orders.cancel(String(args.commandId), actor)
        ? done(`command ${args.commandId} canceled`)
        : refuse('state', `cancel: no waiting command has the id ${JSON.stringify(args.commandId).slice(0, 100)}`),
  },
];
