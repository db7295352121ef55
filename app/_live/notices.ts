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
  read: boolean;
  /** What it asks for, if it does; see shared/notices.ts. */
  asks?: string | null;
}

const most = 50;
const desk = createStore<{ items: readonly Told[] }>({ items: [] });
const read = (which: (item: Told) => boolean): void =>
  desk.set({ items: desk.get().items.map((item) => (which(item) ? { ...item, read: true } : item)) });
export const useNotices = () => useSelected(desk, ({ items }) => ({ items, unread: items.filter((item) => !item.read).length }));
export const readAll = (): void => read(() => true);

let own: Notifier | null = null;
export const notifier = (): Notifier => {
  own ??= createNotifier(browserNotifierHost);
  return own;
};

/** Shows a notification once: in the page, on the bell and, if the person allowed it and the tab is hidden, by the browser. */
export function notify(told: Omit<Told, 'at' | 'read'>): void {
  const { items } = desk.get();
  if (items.some((i) => i.key === told.key)) return;
  desk.set({ items: [{ ...told, at: Date.now(), read: false }, ...items].slice(0, most) });
  const { key, tone, title, detail } = told;
  toast[tone](title, { id: key, description: detail, duration: tone === 'info' ? 6_000 : 12_000 });
  notifier().notify(title, detail, key);
}

/** What has a step is a note. */
const hrefOf = ({ runId, step }: Notice): string => `/runs/${runId}${step === null ? '' : `?step=${step}&side=notes`}`;

/** What was asked is answered: nobody needs to read it any more. */
function answered(asked: string): void {
  const over = (item: Told) => !item.read && item.asks?.startsWith(asked) === true;
  for (const { key } of desk.get().items.filter(over)) toast.dismiss(key);
  read(over);
}

/** Receives the server's notices for this person about all runs, on every page. */
export function useNoticesOfServer(): void {
  useEffect(
    () =>
      viewerWire().listen({
        notice: (n) => notify({ key: n.key, tone: 'info', title: n.title, detail: n.detail, href: hrefOf(n), asks: n.asks }),
        answered,
      }),
    [],
  );
}
