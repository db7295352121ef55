/** The commands of a run: each is answered once, at a step boundary, or held until its condition is met. */
import { applied, refused, scheduled } from '~/shared/commandAnswers';
import type { Condition, LoggedCommand, Refusal } from '~/shared/commands';
import { describeCondition, seldomMet } from '~/shared/conditions';
import type { Actor } from '~/shared/ids';
import { refuse } from '~/shared/refusals';
import { changeWords, type Plan } from '~/shared/schedule';
import type { Steered } from './actions';
import { answer, type Change, type Desk, validationError } from './commands';
import { impossible, isMet, type Nameable } from './conditions';
import type { Control, Facts } from './controls';
import type { Output } from './output';
import type { State } from './runState';

/** The part of a run that commands read and change. */
export interface Ordered extends Steered {
  /** The run has ended, or is about to end. */
  readonly over: boolean;
  facts(): Facts;
  /** Number of updates at the end of the run, with the current settings. */
  plannedSteps(): number;
  /** The settings that determine the learning rate. */
  plan(): Plan;
  /** Called when `plannedSteps` has changed. */
  lengthChanged(): void;
}

export class Orders {
  /** Seqs of commands answered by this process; an earlier process answered those up to `#answeredBefore`. */
  readonly #answered = new Set<number>();
  readonly #answeredBefore: number;
  #replaying = false;

  constructor(
    private readonly run: Ordered,
    private readonly state: State,
    private readonly output: Output,
    private readonly controls: readonly Control[],
    private readonly changes: Map<string, Change>,
    private readonly nameable: Nameable,
  ) {
    this.#answeredBefore = state.lastCommandSeq;
  }

  /** Handles a command from the log: answers it once, or holds it if its condition is not met yet. */
  async handle(logged: LoggedCommand): Promise<void> {
    const { seq, command } = logged;
    if (this.#knows(seq)) return;
    this.#remember(seq);
    const { when } = command;
    const { step } = this.run;
    if (this.run.over) return this.refuse(logged, refuse('run-ended', 'the run has ended'));
    if (!when) return this.#apply(logged);
    const never = impossible(when, step, this.nameable);
    const wrong = never === null ? validationError({ controls: this.controls }, logged) : refuse('invalid', never, 'when');
    if (wrong) return this.refuse(logged, wrong);
    if (this.#isMet(logged)) return this.#apply(logged);
    this.#hold(logged);
    this.output.emit(scheduled(logged, step, `waits: ${describeCondition(when)}${this.#doubt(when)}`));
  }

  /** A note for a condition that will probably never be met, with the current settings. */
  #doubt(when: Condition): string {
    const end = this.run.plannedSteps();
    if (when.kind === 'step') return when.step > end ? `; the run ends at step ${end} as things stand` : '';
    const { settings } = this.run.facts();
    const values = Object.fromEntries(this.controls.map(({ spec, read }) => [spec.name, { value: read(settings) }]));
    const controls = this.controls.map(({ spec }) => spec);
    const seldom = seldomMet({ series: this.nameable.columns, evaluations: [], controls, values }, when);
    return seldom === null ? '' : `; ${seldom}`;
  }

  /** Applies a command of the recorded run at the step at which it took effect there, ignoring its condition. */
  async replay(logged: LoggedCommand): Promise<void> {
    const { held } = this.state;
    const at = held.findIndex((h) => h.seq === logged.seq);
    if (at >= 0) held.splice(at, 1);
    else if (this.#knows(logged.seq)) return;
    this.#remember(logged.seq);
    this.#replaying = true;
    await this.#apply(logged);
    this.#replaying = false;
  }

  /** Holds again, without a log entry, a command that the recorded run held when its trainer was lost. */
  adopt(logged: LoggedCommand): void {
    if (this.#knows(logged.seq)) return;
    this.#remember(logged.seq);
    this.#hold(logged);
  }

  /** Applies the held commands whose condition is met, except those in `except`. */
  async fire(except: ReadonlySet<number> = new Set()): Promise<void> {
    const { held } = this.state;
    for (const logged of held.filter((h) => !except.has(h.seq) && this.#isMet(h))) {
      const at = held.indexOf(logged);
      if (at < 0) continue; // canceled by an earlier one
      held.splice(at, 1);
      await this.#apply(logged);
    }
  }

  /** Drops a command that waits for its condition. @returns whether there was such a command */
  cancel(commandId: string, by: Actor): boolean {
    const { held } = this.state;
    const at = held.findIndex((h) => h.command.id === commandId);
    // The recorded run dropped the command; this run never held it.
    if (at < 0) return this.#replaying;
    this.refuse(held.splice(at, 1)[0]!, refuse('state', `canceled by ${by.name}`));
    return true;
  }

  /** Refuses the held commands when the run ends before their conditions are met. */
  refuseHeld(): void {
    for (const logged of this.state.held.splice(0))
      this.refuse(logged, refuse('run-ended', 'the run ended before it came to that'));
  }

  refuse(logged: LoggedCommand, { reason, message }: Refusal): void {
    this.output.emit(refused(logged, this.run.step, reason, message));
  }

  async #apply(logged: LoggedCommand): Promise<void> {
    const planned = this.run.plannedSteps();
    const plan = this.run.plan();
    const { step } = this.run;
    const desk: Desk = { controls: this.controls, facts: this.run.facts(), changes: this.changes, run: this.run };
    const outcome = answer(desk, logged);
    if (!outcome.ok) return this.refuse(logged, outcome);
    const { before, after, effect } = outcome;
    const { command } = logged;
    const rate = this.#changesPlan(command) ? changeWords(plan, this.run.plan(), step) : '';
    const message = rate === '' ? outcome.message : `${outcome.message}; ${rate}`;
    this.output.emit(applied(logged, step, message, { before, after }));
    try {
      await effect?.();
    } catch (error) {
      // A failed snapshot or checkpoint costs only the person who requested it an answer, not everybody the run.
      const why = `${command.id}: ${message}: ${error instanceof Error ? error.message : String(error)}`;
      this.output.emit({ type: 'alert', step, level: 'error', kind: 'command-failed', message: why.slice(0, 2000) });
    }
    if (this.run.plannedSteps() !== planned) this.run.lengthChanged();
  }

  /** Whether the command changes the learning rate through another control than the rate itself. */
  #changesPlan(command: LoggedCommand['command']): boolean {
    const role = command.kind === 'set' && this.controls.find((c) => c.spec.name === command.control)?.spec.role;
    return role === 'epochs' || role === 'batchSize' || role === 'scheduleEnd';
  }

  #knows(seq: number): boolean {
    return seq <= this.#answeredBefore || this.#answered.has(seq);
  }

  #hold(logged: LoggedCommand): void {
    this.state.held.push(logged);
    this.state.held.sort((a, b) => a.seq - b.seq);
  }

  #remember(seq: number): void {
    this.#answered.add(seq);
    this.state.lastCommandSeq = Math.max(seq, this.state.lastCommandSeq);
  }

  #isMet({ command: { when } }: LoggedCommand): boolean {
    const { newestEvaluations: evaluations, step } = this.state;
    const newest = (column: string) => this.output.newest(column);
    const derived = (metric: string, loss: number) => this.output.derived(metric, loss);
    return !when || isMet(when, { step, evaluations, newest, derived });
  }
}
