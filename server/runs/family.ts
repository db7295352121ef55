import type { Family, Member } from '~/shared/runTable';
import { type RunSummary, sentSummary } from '~/shared/summary';

/** Most runs of a family that are listed. */
const mostMembers = 200;

/**
 * The tree that a run belongs to: its oldest existing ancestor and all branches below it, each after its parent, earlier forks
 * first. Of a large one at most `most` runs: the run itself, its nearest ancestors, and then the others in order.
 */
export function familyOf(runs: Iterable<RunSummary>, runId: string, most = mostMembers): Family {
  const byId = new Map<string, RunSummary>();
  const branches = new Map<string, RunSummary[]>();
  for (const run of runs) {
    byId.set(run.runId, run);
    if (!run.parent) continue;
    const beside = branches.get(run.parent.runId);
    if (beside) beside.push(run);
    else branches.set(run.parent.runId, [run]);
  }
  /** The run and its ancestors, the root last. */
  const line = new Set<RunSummary>();
  for (let at = byId.get(runId); at && !line.has(at); at = at.parent ? byId.get(at.parent.runId) : undefined) line.add(at);
  const root = [...line].at(-1);
  const kept = new Set([...line].slice(0, most));
  const all = new Map<RunSummary, Member>();
  const todo: Member[] = root ? [{ run: root, depth: 0 }] : [];
  for (let next = todo.pop(); next; next = todo.pop()) {
    const { run, depth } = next;
    if (all.has(run)) continue;
    all.set(run, next);
    const below = branches.get(run.runId) ?? [];
    below.sort((a, b) => b.parent!.step - a.parent!.step || b.createdAt - a.createdAt);
    todo.push(...below.map((child) => ({ run: child, depth: depth + 1 })));
  }
  let left = most - kept.size;
  const members = [...all.values()].filter(({ run }) => kept.has(run) || left-- > 0);
  return {
    members: members.map(({ run, depth }) => ({ run: sentSummary(run), depth })),
    leftOut: all.size - members.length,
  };
}
