import type { Source } from './select';

/** What the notifier borrows from the browser; tests give their own. */
export interface NotifierHost {
  /** null: this browser has no notifications, or not on this address. */
  permission(): NotificationPermission | null;
  ask(): Promise<NotificationPermission>;
  /** @param tag a later one with the same tag takes its place */
  show(title: string, body: string, tag: string): void;
  hidden(): boolean;
  wanted(): boolean;
  keepWanted(on: boolean): void;
}

export interface NotifierState {
  /** Whether notifications come; `blocked`: the browser was told never to, `missing`: it cannot. */
  status: 'on' | 'off' | 'blocked' | 'missing';
}

/** Notifications of the browser while this tab is hidden, for those who asked for them on this browser. */
export interface Notifier extends Source<NotifierState> {
  /** Asks for permission the first time. */
  toggle(): Promise<void>;
  notify(title: string, body: string, tag: string): void;
}

export function createNotifier(host: NotifierHost): Notifier {
  const read = (): NotifierState => {
    const permission = host.permission();
    if (permission === null) return { status: 'missing' };
    if (permission === 'denied') return { status: 'blocked' };
    return { status: permission === 'granted' && host.wanted() ? 'on' : 'off' };
  };
  let state = read();
  const listeners = new Set<() => void>();
  return {
    get: () => state,
    subscribe: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    async toggle() {
      if (state.status === 'on') host.keepWanted(false);
      else if (state.status === 'off') {
        if (host.permission() !== 'granted') await host.ask();
        host.keepWanted(host.permission() === 'granted');
      }
      state = read();
      for (const l of [...listeners]) l();
    },
    notify(title, body, tag) {
      if (state.status === 'on' && host.hidden()) host.show(title, body, tag);
    },
  };
}

const key = 'headroom.notify';

export const browserNotifierHost: NotifierHost = {
  permission: () => (typeof Notification === 'undefined' || !window.isSecureContext ? null : Notification.permission),
  ask: () => Notification.requestPermission(),
  show(title, body, tag) {
    try {
      const shown = new Notification(title, { body, tag });
      shown.onclick = () => {
        window.focus();
        shown.close();
      };
    } catch {
      // Some phones have the name but not the constructor.
    }
  },
  hidden: () => document.hidden,
  wanted: () => {
    try {
      return localStorage.getItem(key) === 'on';
    } catch {
      return false;
    }
  },
  keepWanted(on) {
    try {
      localStorage.setItem(key, on ? 'on' : 'off');
    } catch {
      // Without storage it holds for this page.
    }
  },
};
