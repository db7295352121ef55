import type { Actor } from '~/shared/ids';
import type { Look, Looking } from '~/shared/viewerProtocol';
import { mostLooks } from '~/shared/watching';
import type { Cursor } from './cursor';
import type { Host } from './runStore';
import type { Source } from './select';
import { createStore } from './store';
import type { Wire } from './wire';

export type Spot = Look['spot'];

/** The item on this page that the mouse points at. */
export interface Pointer extends Source<Spot> {
  point(spot: Spot): void;
}

/** Which panels are open in the center of this page. */
export interface Panels extends Source<readonly string[]> {
  open(id: string): void;
}

export interface PresenceState {
  /** Whether the others see which step this tab shows. */
  sharing: boolean;
  leading: boolean;
  /** The other tabs that share their view. */
  others: Looking[];
  /** The number of tabs that share; above `mostLooks` only those who lead are in `others`. */
  tabsSharing: number;
  /** The tab that this tab follows: not among `others` while its person is away. One who comes back, after a reload or without a network for a while, has another tab. */
  following: string | null;
  /** Whom this tab follows, or followed until they stayed away; null once this tab moves on its own. */
  leader: Actor | null;
}

export interface Presence extends Source<PresenceState> {
  share(on: boolean): void;
  /** Asks everybody to follow this tab; turns sharing on. */
  lead(on: boolean): void;
  follow(tab: string | null): void;
  close(): void;
}

/** Whether too many tabs share for all of them to be shown. */
export const crowded = ({ tabsSharing }: PresenceState): boolean => tabsSharing > mostLooks;

/** What the leader looks at; null when nobody is followed, or the leader is away. */
export const followedLook = ({ others, following }: PresenceState): Looking | null =>
  others.find((l) => l.tab === following) ?? null;

/** Least time between two reports of this tab's view; `unseenMs` when nobody is shown it. */
const everyMs = 100;
const unseenMs = 5_000;
/** How long a leader is waited for. */
const awayMs = 600_000;

const alone = { following: null, leader: null } as const;

/**
 * Shares which steps and panels the people on a run look at. Following applies another tab's view to this tab; moving the cursor by hand ends
 * following, opening another panel does not.
 */
export function createPresence(
  runId: string,
  wire: Wire,
  cursor: Cursor,
  pointer: Pointer,
  panels: Panels,
  host: Pick<Host, 'after'>,
  sharing: boolean,
): Presence {
  const { get, set, subscribe } = createStore<PresenceState>({
    sharing,
    leading: false,
    others: [],
    tabsSharing: 0,
    ...alone,
  });
  let applying = false;
  let closed = false;
  let reported = '';
  let cancel: (() => void) | null = null;

  const own = (): Look | null => {
    const { sharing, leading } = get();
    if (!sharing) return null;
    const { mode, step, zoom } = cursor.get();
    return { live: mode === 'live', step, zoom, spot: pointer.get(), shows: [...panels.get()], leads: leading };
  };
  const report = () => {
    cancel = null;
    if (!wire.up()) return;
    const look = own();
    // While a tab follows the newest step, a change of step is not worth sending.
    const key = JSON.stringify(look?.live ? { ...look, step: 0 } : look);
    if (key === reported) return;
    reported = key;
    wire.look(runId, look);
  };
  const soon = () => {
    cancel ??= host.after(crowded(get()) && !get().leading ? unseenMs : everyMs, report);
  };
  const now = () => {
    cancel?.();
    cancel = host.after(everyMs, report);
  };

  /** The tabs that were open when following began: none of them is the one in which the leader comes back. */
  let otherTabs: ReadonlySet<string> = new Set();
  let stopWaiting: (() => void) | null = null;
  const wait = (on: boolean) => {
    if (on) stopWaiting ??= host.after(awayMs, () => set({ following: null }));
    else {
      stopWaiting?.();
      stopWaiting = null;
    }
  };
  let followedPanels = '';
  const apply = ({ live, step, zoom, spot, shows }: Look) => {
    applying = true;
    if (live) cursor.follow();
    else cursor.pin(step);
    cursor.zoom(zoom);
    pointer.point(spot);
    // Only what the other opens anew: whoever follows may look at another panel meanwhile.
    if (shows.join() !== followedPanels) for (const id of shows) if (!panels.get().includes(id)) panels.open(id);
    followedPanels = shows.join();
    applying = false;
  };

  let before = cursor.get();
  const stops = [
    cursor.subscribe(() => {
      const now = cursor.get();
      const moved = now.mode !== before.mode || (now.mode === 'pinned' && now.step !== before.step) || now.zoom !== before.zoom;
      before = now;
      if (moved && !applying && get().leader !== null) {
        wait(false);
        set(alone);
      }
      soon();
    }),
    pointer.subscribe(soon),
    panels.subscribe(soon),
    wire.listen({
      // A new connection does not know what the old one reported.
      up: () => {
        reported = 'null';
        now();
      },
      down: () => set({ others: [], tabsSharing: 0 }),
      looks: (of, looks, tabsSharing) => {
        if (of !== runId) return;
        const others = looks.filter((l) => l.tab !== wire.tab());
        const { following, leader } = get();
        const back = (l: Looking) => l.actor.id === leader?.id && !otherTabs.has(l.tab);
        const followed = following === null ? undefined : (others.find((l) => l.tab === following) ?? others.findLast(back));
        wait(following !== null && !followed);
        set({ others, tabsSharing, following: followed?.tab ?? following });
        if (followed) apply(followed.look);
      },
    }),
  ];
  reported = 'null';
  now();

  return {
    get,
    subscribe,
    share: (on) => {
      set({ sharing: on, leading: on && get().leading });
      now();
    },
    lead: (on) => {
      wait(false);
      set({ leading: on, sharing: on || get().sharing, ...alone });
      now();
    },
    follow: (tab) => {
      // An invitation may be accepted after the page was left.
      if (closed) return;
      const { others } = get();
      const followed = others.find((l) => l.tab === tab);
      wait(false);
      set({ leading: false, ...alone, ...(followed && { following: tab, leader: followed.actor }) });
      otherTabs = new Set(others.map((l) => l.tab));
      followedPanels = '';
      if (followed) apply(followed.look);
      now();
    },
    close: () => {
      closed = true;
      cancel?.();
      wait(false);
      for (const stop of stops) stop();
    },
  };
}
