import { useEffect } from 'react';
import { beginning } from '~/app/_charts/format';
import type { Notice } from '~/shared/notices';
import { parsed } from './kept';
import { browserNotifierHost, createNotifier, type Notifier } from './notifier';
import { choices, useChoices } from './remembered';
import { serverTime } from './serverTime';
import { viewerWire } from './socket';
import { toast } from './toast';

/** A notification that this browser showed to the person. */
export interface Told {
  key: string;
  tone: 'info' | 'warning' | 'error';
  title: string;
  detail: string;
  /** Address of what the notification is about. */
  href: string;
  /** Server's time at which it came. */
  at: number;
  /** What it asks for, if it does; see shared/notices.ts. */
  asks?: string | null;
}

const most = 50;
/** Several browsers of a person show different ones: each shows the alarms of the run that is open there. */
const mostRead = 4 * most;
const mostDetail = 300;

const listed = (text: string | null): unknown[] => {
  const list = parsed(text);
  return Array.isArray(list) ? list : [];
};
const isTold = (item: unknown): item is Told => {
  const { key, title, detail, href, at } = (item ?? {}) as Partial<Told>;
  return [key, title, detail].every((text) => typeof text === 'string') && href?.startsWith?.('/runs/') === true && at! >= 0;
};

/** The newest first; invalid entries are left out. */
function notices(): { items: Told[]; unread: Told[] } {
  const items = listed(choices.read('notices')).filter(isTold);
  const read = new Set(listed(choices.read('noticesRead')).flat());
  return { items, unread: items.filter(({ key }) => !read.has(key)) };
}

export function useNotices(): { items: readonly Told[]; unread: number } {
  const { items, unread } = useChoices(notices, none);
  return { items, unread: unread.length };
}
const none: ReturnType<typeof notices> = { items: [], unread: [] };

/** In the form of a list of items that have names, so that what is read in two browsers is read in both. */
function read(told: readonly Told[]): void {
  if (told.length === 0) return;
  const keys = [...listed(choices.read('noticesRead')), ...told.map(({ key }) => [key])];
  choices.write('noticesRead', JSON.stringify(keys.slice(-mostRead)));
}
export const readAll = (): void => read(notices().unread);

let own: Notifier | null = null;
export const notifier = (): Notifier => {
  own ??= createNotifier(browserNotifierHost);
  return own;
};

/**
 * Shows a notification in the page, on the bell (once, whichever of the browser's tabs received it) and, if the person allowed it and the tab
 * is hidden, by the browser.
 */
export function notify(told: Omit<Told, 'at'>): void {
  const { items } = notices();
  const { key, tone, title, detail } = told;
  const item: Told = { ...told, detail: beginning(detail, mostDetail), at: serverTime.now(Date.now()) };
  if (!items.some((i) => i.key === key)) choices.write('notices', JSON.stringify([item, ...items].slice(0, most)));
  toast[tone](title, { id: key, description: detail, duration: tone === 'info' ? 6_000 : 12_000 });
  notifier().notify(title, detail, key);
}

/** What has a step is a note. */
const hrefOf = ({ runId, step }: Notice): string => `/runs/${runId}${step === null ? '' : `?step=${step}&side=notes`}`;

/** What was asked is answered: nobody needs to read it any more. */
function answered(asked: string): void {
  const { items, unread } = notices();
  const over = (item: Told) => item.asks?.startsWith(asked) === true;
  // Another tab may have read it; what is shown here goes all the same.
  for (const { key } of items.filter(over)) toast.dismiss(key);
  read(unread.filter(over));
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
