import { useEffect, useState } from 'react';
import { serverTime } from '~/app/_live/serverTime';
import { printsNow } from './paper';

/** The server's time, ms since 1970, updated every `everyMs`; null while the page is rendered on the server. */
export function useNow(everyMs = 1000): number | null {
  const [now, setNow] = useState<number | null>(() => (printsNow() ? serverTime.now(Date.now()) : null));
  useEffect(() => {
    const look = () => setNow(serverTime.now(Date.now()));
    look();
    const timer = setInterval(look, everyMs);
    const cancel = serverTime.whenKnown(look);
    return () => {
      clearInterval(timer);
      cancel();
    };
  }, [everyMs]);
  return now;
}
