/** Answers questions about the run itself between two updates, one forward pass at a time, so that commands are read in between. */
import type { ControlValue } from '~/shared/controls';
import type { Answer } from './analyses';
import type { Output } from './output';
import { type AskedOf, questions, type Subject } from './questions';
import type { State } from './runState';
import { InTurns, type Turns } from './turns';

export class Asking {
  #open: InTurns<Answer> | null = null;

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

  /** Runs one pass of the oldest question. */
  async slice(): Promise<void> {
    const { asked, step } = this.state;
    const { action, args, commandId } = asked[0]!;
    this.#open ??= new InTurns((turns) => this.#answer(action, args, turns));
    const { turns, outcome } = this.#open;
    if (!outcome) return turns.once();
    asked.shift();
    this.#open = null;
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
