import { betterEvaluation, newestOfEach } from './evaluations';
import type { CheckpointRef, Resumed } from './events';
import { staysInForce } from './lists';
import { isHeldBy } from './revert';
import type { CommandRecord, ControlState, ListItems, RunView } from './view';

/**
 * Going back to a step: items of later steps are superseded, and of those at `fromStep` the ones after `keepSeq`. `seq`: the seq
 * of the entry that does it.
 */
export interface GoingBack {
  seq: number;
  fromStep: number;
  keepSeq: number;
}

/** Controls that people have changed since; the previous authors have to be looked up. */
export const changedSince = ({ values }: Pick<RunView, 'values'>, { fromStep }: GoingBack): string[] =>
  Object.entries(values).flatMap(([control, v]) => (v.changedBy !== null && v.changedAtStep >= fromStep ? [control] : []));

type Applied = CommandRecord & { outcome: Extract<CommandRecord['outcome'], { status: 'applied' }> };

/** The last change of a control, among the records added, that stays in force when the run goes back. */
export class LastChange {
  #last: Applied | null = null;

  constructor(
    private readonly control: string,
    private readonly at: GoingBack,
  ) {}

  add(record: CommandRecord): void {
    const { command, outcome, undone } = record;
    if (undone || command.kind !== 'set' || command.control !== this.control || outcome.status !== 'applied') return;
    const { fromStep, keepSeq } = this.at;
    const before = outcome.step < fromStep || (outcome.step === fromStep && outcome.seq <= keepSeq);
    if (before && (this.#last === null || outcome.seq > this.#last.outcome.seq)) this.#last = record as Applied;
  }

  /** null: nobody has changed it. */
  get state(): ControlState | null {
    if (!this.#last) return null;
    const { actor, outcome } = this.#last;
    return { value: outcome.after, changedBy: actor, changedAtStep: outcome.step };
  }
}

/**
 * A command that was answered after the checkpoint and now waits for its condition again, without its outcome; null = not such a
 * command.
 */
export function waitingAgain(record: CommandRecord, checkpoint: CheckpointRef): Resumed['waiting'][number] | null {
  const { outcome, ...asked } = record;
  if (outcome.status !== 'applied' && outcome.status !== 'refused') return null;
  return outcome.seq > checkpoint.seq && isHeldBy(record, checkpoint) ? asked : null;
}

/** The newest evaluations and the best one in force, read page by page in the order of the log. */
export class EvaluationsInForce {
  evaluations: ListItems['evaluations'][] = [];
  best: ListItems['evaluations'] | null = null;

  constructor(private readonly at: GoingBack) {}

  add(page: readonly ListItems['evaluations'][]): void {
    const kept = page.filter((e) => staysInForce('evaluations', e, this.at));
    this.evaluations = newestOfEach([...this.evaluations, ...kept]);
    this.best = kept.reduce(betterEvaluation, this.best);
  }
}

/** For logs that do not say what is in force (version 0.1): computed from the lists, in the order of the log. */
export function resumedFrom(
  view: RunView,
  at: GoingBack,
  { evaluations, commands }: { evaluations: readonly ListItems['evaluations'][]; commands: readonly CommandRecord[] },
): Omit<Resumed, 'counts'> {
  const found = new EvaluationsInForce(at);
  found.add(evaluations);
  const checkpoint = view.pendingRevert?.checkpoint;
  return {
    evaluations: found.evaluations,
    best: found.best,
    values: changedSince(view, at).map((control) => {
      const last = new LastChange(control, at);
      for (const record of commands) last.add(record);
      return { control, state: last.state };
    }),
    waiting: checkpoint ? commands.flatMap((c) => waitingAgain(c, checkpoint) ?? []) : [],
  };
}

/** The same, from the part of the lists that the view holds. */
export function resumedInView(view: RunView, at: GoingBack): Omit<Resumed, 'counts'> {
  const known = [...view.latestEvaluations, ...view.recent.evaluations.items, ...(view.best ? [view.best] : [])];
  const evaluations = [...new Map(known.map((e) => [e.seq, e])).values()].sort((a, b) => a.seq - b.seq);
  return resumedFrom(view, at, { evaluations, commands: view.recent.commands.items });
}
