import type { Store } from '~/server/store';
import type { RunLists } from '~/server/store/lists';
import { asksCheckpoint } from '~/shared/analyses';
import type { LoggedCommand } from '~/shared/commands';
import type { Resumed, RunEvent } from '~/shared/events';
import { isOfSteps, staysInForce } from '~/shared/lists';
import { changedSince, EvaluationsInForce, type GoingBack, LastChange, waitingAgain } from '~/shared/resumed';
import { type CommandRecord, type ListItems, type ListKind, listKinds, type RunView } from '~/shared/view';
import { bestRowBefore } from './bestRow';

/**
 * The items in force of a run's lists once it has gone back: written into the entry that takes it back, because a view does not
 * hold the lists (shared/events.ts, `resumed`).
 *
 * @param view before that entry; its `pendingRevert` says whether people asked for it
 */
export async function resumedAt(
  lists: RunLists,
  store: Pick<Store, 'range'>,
  view: RunView,
  { fromStep, keepSeq }: Pick<GoingBack, 'fromStep' | 'keepSeq'>,
): Promise<Resumed> {
  const at: GoingBack = { seq: view.seq + 1, fromStep, keepSeq };

  async function left(kind: ListKind): Promise<number> {
    let { count } = view.counts[kind];
    for await (const page of lists.pages(kind, { fromStep }))
      for (const item of page) if (!staysInForce(kind, item as ListItems['analyses'], at)) count -= 1;
    return count;
  }

  async function evaluations(): Promise<Pick<Resumed, 'evaluations' | 'best'>> {
    const shown = [...view.latestEvaluations, ...(view.best ? [view.best] : [])];
    if (shown.every((e) => staysInForce('evaluations', e, at))) return { evaluations: view.latestEvaluations, best: view.best };
    const found = new EvaluationsInForce(at);
    for await (const page of lists.pages('evaluations', { toStep: fromStep + 1 })) found.add(page);
    return { evaluations: found.evaluations, best: found.best };
  }

  async function values(): Promise<Resumed['values']> {
    const found: Resumed['values'] = [];
    for (const control of changedSince(view, at)) {
      const last = new LastChange(control, at);
      for await (const page of lists.pages('commands', { ref: control, tag: 'applied', toStep: fromStep + 1 }))
        page.forEach((c) => void last.add(c));
      found.push({ control, state: last.state });
    }
    return found;
  }

  async function waiting(): Promise<Resumed['waiting']> {
    const checkpoint = view.pendingRevert?.checkpoint;
    const found: Resumed['waiting'] = [];
    if (checkpoint)
      for await (const page of lists.pages('commands')) found.push(...page.flatMap((c) => waitingAgain(c, checkpoint) ?? []));
    return found;
  }

  const counts: Record<string, number> = {};
  for (const kind of listKinds) if (isOfSteps(kind)) counts[kind] = await left(kind);
  return {
    counts,
    ...(await evaluations()),
    ...(view.bestRow && view.bestRow.step >= fromStep && { bestRow: await bestRowBefore(store, view, fromStep) }),
    values: await values(),
    waiting: await waiting(),
  };
}

export type WayBack = Extract<RunEvent, { type: 'rewind' }> & { resumed: Resumed };

/**
 * For a run that ends while it waits to go back to a checkpoint: the entry that takes it back, as no trainer will take it over
 * from there; null = it does not wait for that.
 */
export async function wayBack(lists: RunLists, store: Pick<Store, 'range'>, view: RunView): Promise<WayBack | null> {
  if (!view.pendingRevert) return null;
  const { step, seq: keepSeq } = view.pendingRevert.checkpoint;
  const resumed = await resumedAt(lists, store, view, { fromStep: step, keepSeq });
  // No trainer will say the values that nobody had changed at the checkpoint.
  for (const value of resumed.values) value.state ??= await atFirst(lists, value.control);
  return { type: 'rewind', step, keepSeq, resumed };
}

/** The value of a control before anybody changed it. */
async function atFirst(lists: RunLists, control: string): Promise<Resumed['values'][number]['state']> {
  let first: Extract<CommandRecord['outcome'], { status: 'applied' }> | null = null;
  for await (const page of lists.pages('commands', { ref: control, tag: 'applied' }))
    for (const { command, outcome } of page)
      if (command.kind === 'set' && outcome.status === 'applied' && (!first || outcome.seq < first.seq)) first = outcome;
  return first && { value: first.before, changedBy: null, changedAtStep: 0 };
}

export const logged = ({ seq, actor, command }: CommandRecord): LoggedCommand => ({ seq, actor, command });

/**
 * Commands that took effect after the checkpoint (null = the run's start), in the order in which they did, with their steps. A
 * scheduled one may have been requested before the checkpoint.
 */
export async function replayed(
  view: RunView,
  lists: RunLists,
  checkpoint: ListItems['checkpoints'] | null,
): Promise<{ logged: LoggedCommand; step: number }[]> {
  const found = new Map<number, { logged: LoggedCommand; step: number; at: number }>();
  const take = (page: CommandRecord[]) => {
    for (const c of page) {
      if (c.outcome.status !== 'applied' || c.takesBack || asksCheckpoint(view, c)) continue;
      const { step, seq: at } = c.outcome;
      const after =
        !checkpoint ||
        c.seq > checkpoint.lastCommandSeq ||
        step > checkpoint.step ||
        (step === checkpoint.step && at > checkpoint.seq);
      if (after) found.set(c.seq, { logged: logged(c), step, at });
    }
  };
  const applied = { tag: 'applied' };
  for await (const page of lists.pages('commands', { ...applied, after: checkpoint?.lastCommandSeq ?? 0 })) take(page);
  if (checkpoint) for await (const page of lists.pages('commands', { ...applied, fromStep: checkpoint.step })) take(page);
  return [...found.values()].sort((a, b) => a.step - b.step || a.at - b.at).map(({ logged, step }) => ({ logged, step }));
}
