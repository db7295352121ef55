import { count } from './format';

/** A thin progress line; `total` 0 = not known yet. */
export function Progress({ step, total, label }: { step: number; total: number; label: string }) {
  const share = total > 0 ? Math.min(1, step / total) : 0;
  return (
    <div
      role="progressbar"
      aria-label={label}
      aria-valuemin={0}
      aria-valuemax={total || 1}
      aria-valuenow={Math.min(step, total || 1)}
      aria-valuetext={total > 0 ? `${count(step)} of ${count(total)} steps` : `${count(step)} steps`}
      className="h-0.5 w-full bg-line"
    >
      <div className="h-full bg-accent" style={{ width: `${share * 100}%` }} />
    </div>
  );
}
