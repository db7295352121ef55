import { useEffect } from 'react';
import { toast } from 'sonner';
import type { Notice } from '~/shared/notices';
import { browserNotifierHost, createNotifier, type Notifier } from './notifier';
import { useSelected } from './select';
import { viewerWire } from './socket';
import { createStore } from './store';

/** What a person was told since the tab was opened. */
export interface Told {
  key: string;
  tone: 'info' | 'warning' | 'error';
  title: string;
  detail: string;
  /** Where to look. */
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

/** Tells it once: in the page, on the bell and, where the person has allowed it and looks elsewhere, by the browser. */
export function notify(told: Omit<Told, 'at'>): void {
  const { items, unread } = desk.get();
  if (items.some((i) => i.key === told.key)) return;
  desk.set({ items: [{ ...told, at: Date.now() }, ...items].slice(0, most), unread: unread + 1 });
  const { key, tone, title, detail } = told;
  toast[tone](title, { id: key, description: detail, duration: tone === 'info' ? 6_000 : 12_000 });
  notifier().notify(title, detail, key);
}

const hrefOf = ({ runId, step }: Notice): string => `/runs/${runId}${step === null ? '' : `?step=${step}`}`;

/** Hears what the server has for this person, of every run, on whatever page they are. */
export function useNoticesOfServer(): void {
  useEffect(
    () =>
      viewerWire().listen({
        notice: (n) => notify({ key: n.key, tone: 'info', title: n.title, detail: n.detail, href: hrefOf(n) }),
      }),
    [],
  );
}
