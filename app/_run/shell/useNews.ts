import { useEffect } from 'react';
import { notify } from '~/app/_live/notices';
import { useRunStore } from '~/app/_live/RunProvider';
import { createNews } from './news';

/** Notifies about the run's alarms and its end. */
export function useNews(): void {
  const store = useRunStore();
  useEffect(() => {
    const newsOf = createNews();
    const look = () => {
      const { view } = store.get();
      for (const { key, tone, title, detail, step } of view ? newsOf(view) : [])
        notify({ key: `${store.runId} ${key}`, tone, title, detail, href: `/runs/${store.runId}?step=${step}` });
    };
    look();
    return store.subscribe(look);
  }, [store]);
}
