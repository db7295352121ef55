/** Answers questions about the run itself between two updates, one forward pass at a time, so that commands are read in between. */
import type { ControlValue } from '~/shared/controls';
import type { Answer } from './analyses';
import type { Output } from './output';
import { type AskedOf, questions, type Subject } from './questions';
import type { State } from './runState';
import { InTurns, type Turns } from './turns';

export class Asking {
  /** By the id of the command that asks. */
  readonly #open = new Map<string, InTurns<Answer>>();
  #turn = 0;

  /** @param subject returns the run's current parameters and examples */
  constructor(
    private readonly state: State,
    private readonly output: Output,
    private readonly subject: () => Subject,
  ) {}

  get waiting(): boolean {
    return this.state.asked.length > 0;
  }

  ask({ spec }: AskedOf, args: Record<string, ControlValue>, commandId: string): void {
    this.state.asked.push({ action: spec.name, args, commandId });
  }

  /** @returns whether it was asked and not answered yet */
  cancel(commandId: string): boolean {
    const at = this.state.asked.findIndex((a) => a.commandId === commandId);
    if (at >= 0) this.#done(at);
    return at >= 0;
  }

  #done(at: number): void {
    const [question] = this.state.asked.splice(at, 1);
    this.#open.delete(question!.commandId);
  }

  /** Runs one pass of a question. Each has its turn: a short one does not wait for the many passes of a long one. */
  async slice(): Promise<void> {
    const { asked, step } = this.state;
    const at = this.#turn++ % asked.length;
    const { action, args, commandId } = asked[at]!;
    const open = this.#open.get(commandId) ?? new InTurns((turns) => this.#answer(action, args, turns));
    this.#open.set(commandId, open);
    const { turns, outcome } = open;
    if (!outcome) return turns.once();
    this.#done(at);
    if (outcome.ok) return this.output.analysis(step, action, commandId, outcome.value);
    // An error costs only the person who asked an answer, not everybody the run.
    const message = `${commandId}: ${action}: ${outcome.why}`.slice(0, 2000);
    this.output.emit({ type: 'alert', step, level: 'error', kind: 'command-failed', message });
  }

  async #answer(action: string, args: Record<string, ControlValue>, turns: Turns): Promise<Answer> {
    const question = questions.find((q) => q.spec.name === action);
    if (!question) throw new Error('this trainer cannot answer that');
    const subject = this.subject();
    const { shape } = subject.learner;
    return question.answer(args, {
      ...subject,
      learner: { shape, attend: (batch, off) => turns.take(() => subject.learner.attend(batch, off)) },
    });
  }
}
