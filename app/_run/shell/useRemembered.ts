import { useEffect } from 'react';
import { useRun } from '~/app/_live/useRun';
import { fromWorkspaceParams, saysWorkspace, workspace, workspaceParams } from '~/app/_live/workspace';

/** Keeps a person's arrangement of the page in this browser. A link that says one wins, and is kept once it is changed. */
export function useRemembered(): void {
  const you = useRun((r) => r.you?.id ?? null);
  useEffect(() => {
    const key = `headroom.workspace.${you ?? ''}`;
    try {
      const kept = localStorage.getItem(key);
      if (kept !== null && !saysWorkspace(new URLSearchParams(location.search)))
        workspace.set(fromWorkspaceParams(new URLSearchParams(kept)));
    } catch {
      // A browser without storage, or a page without one (a replay file), remembers nothing.
    }
    return workspace.subscribe(() => {
      try {
        localStorage.setItem(key, new URLSearchParams(workspaceParams(workspace.get())).toString());
      } catch {
        // As above.
      }
    });
  }, [you]);
}
