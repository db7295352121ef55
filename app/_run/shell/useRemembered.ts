import { useEffect } from 'react';
import { kept } from '~/app/_live/kept';
import { useRun } from '~/app/_live/useRun';
import { fromWorkspaceParams, saysWorkspace, workspace, workspaceParams } from '~/app/_live/workspace';

/** Stores a person's arrangement of the page in this browser. An arrangement from a link wins, and is stored once somebody changes it. */
export function useRemembered(): void {
  const you = useRun((r) => r.you?.id ?? null);
  useEffect(() => {
    const key = `headroom.workspace.${you ?? ''}`;
    const text = kept.get(key);
    if (text !== null && !saysWorkspace(new URLSearchParams(location.search)))
      workspace.set(fromWorkspaceParams(new URLSearchParams(text)));
    return workspace.subscribe(() => kept.set(key, new URLSearchParams(workspaceParams(workspace.get())).toString()));
  }, [you]);
}
