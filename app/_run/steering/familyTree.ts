import type { RunSummary } from '~/shared/summary';

/** A run in the tree of its branches. */
export interface Member {
  run: RunSummary;
  /** 0 = the root. */
  depth: number;
}

/** The tree that a run belongs to: its oldest existing ancestor and all branches below it, each after its parent, earlier forks first. */
export function familyOf(runs: readonly RunSummary[], runId: string): Member[] {
  const byId = new Map(runs.map((r) => [r.runId, r]));
  let root = byId.get(runId);
  if (!root) return [];
  const seen = new Set<string>();
  while (root.parent && byId.has(root.parent.runId) && !seen.has(root.runId)) {
    seen.add(root.runId);
    root = byId.get(root.parent.runId)!;
  }
  const below = (run: RunSummary, depth: number): Member[] => [
    { run, depth },
    ...runs
      .filter((r) => r.parent?.runId === run.runId)
      .sort((a, b) => a.parent!.step - b.parent!.step || a.createdAt - b.createdAt)
      .flatMap((child) => below(child, depth + 1)),
  ];
  return below(root, 0);
}
