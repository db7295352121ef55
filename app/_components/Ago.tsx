import { ago, dateTime, isoTime } from './format';
import { useNow } from './useNow';

/** A time as "5 min", with the full date on hover. */
export function Ago({ at, suffix = '' }: { at: number; suffix?: string }) {
  const now = useNow(5_000);
  if (now === null) return null;
  const words = ago(at, now);
  return (
    <time dateTime={isoTime(at)} title={dateTime(at)} className="whitespace-nowrap">
      {words}
      {words === 'now' ? '' : suffix}
    </time>
  );
}
