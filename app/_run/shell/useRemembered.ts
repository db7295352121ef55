import { useEffect } from 'react';
import { useRun } from '~/app/_live/useRun';
import { fromWorkspaceParams, saysWorkspace, workspace, workspaceParams } from '~/app/_live/workspace';

/** Stores a person's arrangement of the page in this browser. An arrangement from a link wins, and is stored once somebody changes it. */
export function useRemembered(): void {
  const you = useRun((r) => r.you?.id ?? null);
  useEffect(() => {
    const key = `headroom.workspace.${you ?? ''}`;
    try {
      const kept = localStorage.getItem(key);
      if (kept !== null && !saysWorkspace(new URLSearchParams(location.search)))
        workspace.set(fromWorkspaceParams(new URLSearchParams(kept)));
    } catch {
      // A browser or a replay file without storage remembers nothing.
    }
    return workspace.subscribe(() => {
      try {
        localStorage.setItem(key, new URLSearchParams(workspaceParams(workspace.get())).toString());
      } catch {
        // See above.
      }
    });
  }, [you]);
}
