import { Bell as BellIcon } from 'lucide-react';
import Link from 'next/link';
import { useEffect, useState } from 'react';
import { Ago } from '~/app/_components/Ago';
import { Popup } from '~/app/_components/Popup';
import { notifier, readAll, useNotices, useNoticesOfServer } from '~/app/_live/notices';
import { pageTitle } from '~/app/_live/pageTitle';

const words = {
  on: 'Also by the browser, while this tab is hidden',
  off: 'Also by the browser, while this tab is hidden',
  blocked: 'This browser blocks notifications of this page: allow them in its settings',
  missing: 'This browser has no notifications for this address (they need https or localhost)',
} as const;

/** Notifications for the person: requests, approvals and mentions from every run, alarms from the open run. */
export function Bell() {
  useNoticesOfServer();
  const { unread } = useNotices();
  useBadge();
  return (
    <Popup
      title="Notifications"
      className="relative grid! size-7 place-items-center rounded text-dim hover:bg-raised"
      trigger={
        <>
          <BellIcon aria-hidden size={15} />
          <span className="sr-only">Notifications{unread > 0 && `, ${unread} new`}</span>
          {unread > 0 && (
            <span
              aria-hidden
              className="absolute top-0 right-0 min-w-3.5 rounded-full bg-bad px-0.5 text-center text-[0.5625rem] leading-3.5 font-bold text-panel"
            >
              {unread}
            </span>
          )}
        </>
      }
    >
      <Notices />
      <ByBrowser />
    </Popup>
  );
}

/** Whatever is shown is read, also what comes while the list is open. */
function Notices() {
  const { items, unread } = useNotices();
  useEffect(() => {
    if (unread > 0) readAll();
  }, [unread]);
  if (items.length === 0)
    return <p className="text-dim">Nothing yet. Requests for control, approvals, mentions and alarms come here.</p>;
  return (
    <ul className="space-y-1.5">
      {items.map((i) => (
        <li key={i.key} className="text-xs">
          <Link href={i.href} className="font-medium hover:underline">
            {i.title}
          </Link>
          <p className="text-dim">
            {i.detail && `${i.detail} · `}
            <Ago at={i.at} suffix=" ago" />
          </p>
        </li>
      ))}
    </ul>
  );
}

function ByBrowser() {
  const own = notifier();
  const [status, setStatus] = useState(() => own.get().status);
  useEffect(() => own.subscribe(() => setStatus(own.get().status)), [own]);
  return (
    <label className="mt-2 flex items-center gap-2 border-t border-line pt-2 text-xs">
      <input
        type="checkbox"
        checked={status === 'on'}
        disabled={status === 'blocked' || status === 'missing'}
        onChange={() => void own.toggle()}
      />
      {words[status]}
    </label>
  );
}

/** Shows the number of unread items in the tab's title, and a dot on its icon. */
export function useBadge(): void {
  const { unread } = useNotices();
  useEffect(() => {
    pageTitle.unread(unread);
    if (unread === 0) return;
    const icon = document.createElement('link');
    icon.rel = 'icon';
    icon.href = `data:image/svg+xml,${encodeURIComponent('<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 18 18"><path d="M4 16v-5M9 16V7M14 16v-7" stroke="#56c4d2" stroke-width="3" stroke-linecap="round"/><circle cx="13.5" cy="4.5" r="4.5" fill="#b92b1b"/></svg>')}`;
    document.head.append(icon);
    return () => icon.remove();
  }, [unread]);
}
