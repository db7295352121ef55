/** Answers questions about the run itself between two updates, one forward pass at a time, so that commands are read in between. */
import type { ControlValue } from '~/shared/controls';
import type { Answer } from './analyses';
import type { Output } from './output';
import { type AskedOf, questions, type Subject } from './questions';
import type { State } from './runState';
import { Turns } from './turns';

interface Open {
  turns: Turns;
  outcome: { answer: Answer } | { error: unknown } | null;
}

export class Asking {
  readonly #state: State;
  readonly #output: Output;
  readonly #subject: () => Subject;
  #open: Open | null = null;

  /** @param subject returns the run's current parameters and examples */
  constructor(state: State, output: Output, subject: () => Subject) {
    this.#state = state;
    this.#output = output;
    this.#subject = subject;
  }

  get waiting(): boolean {
    return this.#state.asked.length > 0;
  }

  ask({ spec }: AskedOf, args: Record<string, ControlValue>, commandId: string): void {
    this.#state.asked.push({ action: spec.name, args, commandId });
  }

  /** Runs one pass of the oldest question. */
  async slice(): Promise<void> {
    const { asked, step } = this.#state;
    const { action, args, commandId } = asked[0]!;
    this.#open ??= this.#begin(action, args);
    const { turns, outcome } = this.#open;
    if (!outcome) return turns.once();
    asked.shift();
    this.#open = null;
    if ('answer' in outcome) return this.#output.analysis(step, action, commandId, outcome.answer);
    // An error costs only the person who asked an answer, not everybody the run.
    const why = outcome.error instanceof Error ? outcome.error.message : String(outcome.error);
    const message = `${commandId}: ${action}: ${why}`.slice(0, 2000);
    this.#output.emit({ type: 'alert', step, level: 'error', kind: 'command-failed', message });
  }

  #begin(action: string, args: Record<string, ControlValue>): Open {
    const open: Open = { turns: new Turns(), outcome: null };
    const answer = async () => {
      const question = questions.find((q) => q.spec.name === action);
      if (!question) throw new Error('this trainer cannot answer that');
      const subject = this.#subject();
      const { shape } = subject.learner;
      return question.answer(args, {
        ...subject,
        learner: { shape, attend: (batch, off) => open.turns.take(() => subject.learner.attend(batch, off)) },
      });
    };
    answer().then(
      (found) => {
        open.outcome = { answer: found };
      },
      (error: unknown) => {
        open.outcome = { error };
      },
    );
    return open;
  }
}
