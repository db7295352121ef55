import { createContext, type ReactNode, useContext, useEffect, useState } from 'react';
import { setCursor } from './cursor';
import { browserHost } from './host';
import { createPresence, type Panels, type Pointer, type Presence, type PresenceState } from './presence';
import { choices } from './remembered';
import { useSelected } from './select';
import { viewerWire } from './socket';
import { tilesIn } from './tiles';
import { reveal, workspace } from './workspace';

const panels: Panels = {
  get: () => tilesIn(workspace.get().center).map((tile) => tile.open),
  subscribe: workspace.subscribe,
  open: (id) => reveal(id, 'center'),
};

const Context = createContext<Presence | null>(null);

/** Shares this tab's view of a run and shows the views of others. Whether to share is a choice of the person. */
export function PresenceProvider({ runId, pointer, children }: { runId: string; pointer: Pointer; children: ReactNode }) {
  const [presence, setPresence] = useState<Presence | null>(null);
  useEffect(() => {
    const opened = createPresence(
      runId,
      viewerWire(),
      setCursor,
      pointer,
      panels,
      browserHost,
      choices.read('shareLook') !== 'no',
    );
    setPresence(opened);
    const stop = opened.subscribe(() => choices.write('shareLook', opened.get().sharing ? 'yes' : 'no'));
    return () => {
      stop();
      opened.close();
    };
  }, [runId, pointer]);
  return <Context value={presence}>{children}</Context>;
}

const nobody: PresenceState = {
  sharing: false,
  leading: false,
  others: [],
  tabsSharing: 0,
  following: null,
  leader: null,
};
const nowhere: Presence = {
  get: () => nobody,
  subscribe: () => () => {},
  share: () => {},
  lead: () => {},
  follow: () => {},
  close: () => {},
};

export const usePresence = (): Presence => useContext(Context) ?? nowhere;
export const usePresent = <T,>(select: (state: PresenceState) => T): T => useSelected(usePresence(), select);
