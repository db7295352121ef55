import { useEffect } from 'react';
import type { Notice } from '~/shared/notices';
import { browserNotifierHost, createNotifier, type Notifier } from './notifier';
import { useSelected } from './select';
import { viewerWire } from './socket';
import { createStore } from './store';
import { toast } from './toast';

/** A notification shown since the tab was opened. */
export interface Told {
  key: string;
  tone: 'info' | 'warning' | 'error';
  title: string;
  detail: string;
  /** Address of what the notification is about. */
  href: string;
  at: number;
}

const most = 50;
const desk = createStore<{ items: readonly Told[]; unread: number }>({ items: [], unread: 0 });
export const useNotices = () => useSelected(desk, (d) => d);
export const readAll = (): void => desk.set({ unread: 0 });

let own: Notifier | null = null;
export const notifier = (): Notifier => {
  own ??= createNotifier(browserNotifierHost);
  return own;
};

/** Shows a notification once: in the page, on the bell and, if the person allowed it and the tab is hidden, by the browser. */
export function notify(told: Omit<Told, 'at'>): void {
  const { items, unread } = desk.get();
  if (items.some((i) => i.key === told.key)) return;
  desk.set({ items: [{ ...told, at: Date.now() }, ...items].slice(0, most), unread: unread + 1 });
  const { key, tone, title, detail } = told;
  toast[tone](title, { id: key, description: detail, duration: tone === 'info' ? 6_000 : 12_000 });
  notifier().notify(title, detail, key);
}

const hrefOf = ({ runId, step }: Notice): string => `/runs/${runId}${step === null ? '' : `?step=${step}`}`;

/** Receives the server's notices for this person about all runs, on every page. */
export function useNoticesOfServer(): void {
  useEffect(
    () =>
      viewerWire().listen({
        notice: (n) => notify({ key: n.key, tone: 'info', title: n.title, detail: n.detail, href: hrefOf(n) }),
      }),
    [],
  );
}
