import { count } from './format';

/** A thin progress line; `total` 0 = not known yet. @param words of the state; steps unless given */
export function Progress({
  step,
  total,
  label,
  words = `${total > 0 ? `${count(step)} of ${count(total)}` : count(step)} steps`,
  className = 'h-0.5',
}: {
  step: number;
  total: number;
  label: string;
  words?: string;
  className?: string;
}) {
  const share = total > 0 ? Math.min(1, step / total) : 0;
  return (
    <div
      role="progressbar"
      aria-label={label}
      aria-valuemin={0}
      aria-valuemax={total || 1}
      aria-valuenow={Math.min(step, total || 1)}
      aria-valuetext={words}
      className={`w-full bg-line ${className}`}
    >
      <div className="h-full rounded-[inherit] bg-accent" style={{ width: `${share * 100}%` }} />
    </div>
  );
}
