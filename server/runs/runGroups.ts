/** The lines of the table of runs under headings: by project, group, sweep, tag or family. */
import { type Grouping, type GroupRow, sweepJob } from '~/shared/runTable';
import type { RunSummary } from '~/shared/summary';
import { indexOf } from './runValues';

/**
 * Groups in the order of their first runs, each followed by its runs unless it is folded. Runs without a group come last.
 * @param all every run, also those that are not in the table: a family reaches beyond them
 */
export function grouped(
  runs: readonly RunSummary[],
  by: Grouping,
  folded: ReadonlySet<string>,
  all: () => Iterable<RunSummary>,
): (GroupRow | RunSummary)[] {
  const of = keysOf(by, all);
  const groups = new Map<string, RunSummary[]>();
  for (const run of runs)
    for (const key of of(run)) {
      const members = groups.get(key);
      if (members) members.push(run);
      else groups.set(key, [run]);
    }
  const outside = groups.get('') ?? [];
  groups.delete('');
  if (outside.length > 0) groups.set('', outside);
  const title = titles(by, all);
  return [...groups].flatMap(([key, members]) => {
    const heading: GroupRow = {
      kind: 'group',
      key,
      title: title(key),
      runs: members.length,
      running: members.filter((r) => r.status === 'running').length,
      folded: folded.has(key),
    };
    return heading.folded ? [heading] : [heading, ...members];
  });
}

function keysOf(by: Grouping, all: () => Iterable<RunSummary>): (run: RunSummary) => readonly string[] {
  switch (by) {
    case 'project':
      return (r) => [r.project];
    case 'group':
      return (r) => [r.group ?? ''];
    case 'sweep':
      return (r) => [indexOf(r).jobType === sweepJob && r.group !== undefined ? r.group : ''];
    case 'tag':
      return (r) => (r.tags.length > 0 ? r.tags : ['']);
    case 'family': {
      const parents = new Map<string, string>();
      for (const r of all()) if (r.parent) parents.set(r.runId, r.parent.runId);
      const withBranches = new Set(parents.values());
      const root = (id: string): string => {
        const seen = new Set<string>();
        let at = id;
        for (let up = parents.get(at); up !== undefined && !seen.has(up); up = parents.get(at)) {
          seen.add(up);
          at = up;
        }
        return at;
      };
      return (r) => [r.parent || withBranches.has(r.runId) ? root(r.runId) : ''];
    }
    case 'none':
      return () => [''];
  }
}

function titles(by: Grouping, all: () => Iterable<RunSummary>): (key: string) => string {
  if (by === 'family') {
    const names = new Map<string, string>();
    for (const r of all()) names.set(r.runId, r.name);
    return (key) => (key === '' ? 'Without branches' : (names.get(key) ?? key));
  }
  const none: Partial<Record<Grouping, string>> = { group: 'Without a group', tag: 'Without a tag', sweep: 'In no sweep' };
  return (key) => (key === '' ? (none[by] ?? key) : key);
}
