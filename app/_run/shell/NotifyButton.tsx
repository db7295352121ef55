import { Bell, BellOff, BellRing } from 'lucide-react';
import { useEffect, useState } from 'react';
import { toast } from 'sonner';
import { Button } from '~/app/_components/Button';
import { browserNotifierHost, createNotifier, type Notifier } from '~/app/_live/notifier';
import { useRunStore } from '~/app/_live/RunProvider';
import { createNews } from './news';

const words = {
  on: 'Notifications come while this tab is hidden; press to switch them off',
  off: 'Notify me of warnings, mentions and the end of the run while this tab is hidden',
  blocked: 'This browser blocks notifications of this page: allow them in its settings',
  missing: 'This browser has no notifications for this address (they need https or localhost)',
} as const;

/** Tells of the run's news: in the page at once, and by the browser for those who switched that on here. */
export function NotifyButton() {
  const store = useRunStore();
  const [notifier, setNotifier] = useState<Notifier | null>(null);
  const [status, setStatus] = useState<keyof typeof words>('missing');
  useEffect(() => {
    const own = createNotifier(browserNotifierHost);
    const read = () => setStatus(own.get().status);
    read();
    setNotifier(own);
    const newsOf = createNews();
    const look = () => {
      const { view, you } = store.get();
      for (const { key, kind, tone, title, detail } of view ? newsOf(view, you) : []) {
        // The end of a run is plain to see on its page.
        if (kind !== 'end') toast[tone](title, { id: key, description: detail, duration: tone === 'info' ? 6_000 : 12_000 });
        own.notify(title, detail, `${store.runId} ${key}`);
      }
    };
    look();
    const stops = [own.subscribe(read), store.subscribe(look)];
    return () => {
      for (const stop of stops) stop();
    };
  }, [store]);
  const Icon = status === 'on' ? BellRing : status === 'off' ? Bell : BellOff;
  return (
    <Button
      size="small"
      look="bare"
      aria-label="Browser notifications"
      aria-pressed={status === 'on'}
      title={words[status]}
      disabled={status === 'blocked' || status === 'missing'}
      onClick={() => void notifier?.toggle()}
    >
      <Icon aria-hidden size={13} className={status === 'on' ? 'text-accent' : ''} />
    </Button>
  );
}
