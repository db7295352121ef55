import { kept } from './kept';
import type { Source } from './select';
import { createStore } from './store';

/** Browser functions that the notifier uses; tests replace them. */
export interface NotifierHost {
  /** null: the browser has no notifications, or not on this address. */
  permission(): NotificationPermission | null;
  ask(): Promise<NotificationPermission>;
  /** @param tag a later notification with the same tag replaces this one */
  show(title: string, body: string, tag: string): void;
  hidden(): boolean;
  wanted(): boolean;
  keepWanted(on: boolean): void;
}

export interface NotifierState {
  /** `blocked`: the browser was told never to show notifications; `missing`: it cannot show them. */
  status: 'on' | 'off' | 'blocked' | 'missing';
}

/** Browser notifications while this tab is hidden, if the person turned them on in this browser. */
export interface Notifier extends Source<NotifierState> {
  /** Asks the browser for permission the first time. */
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
  const { get, set, subscribe } = createStore(read());
  return {
    get,
    subscribe,
    async toggle() {
      const { status } = get();
      if (status === 'on') host.keepWanted(false);
      else if (status === 'off') {
        if (host.permission() !== 'granted') await host.ask();
        host.keepWanted(host.permission() === 'granted');
      }
      set(read());
    },
    notify(title, body, tag) {
      if (get().status === 'on' && host.hidden()) host.show(title, body, tag);
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
      // Some phones define Notification but its constructor throws.
    }
  },
  hidden: () => document.hidden,
  wanted: () => kept.get(key) === 'on',
  keepWanted: (on) => kept.set(key, on ? 'on' : 'off'),
};
