import { count } from '~/app/_components/format';
import { ended, type RunView } from '~/shared/view';

/** A change in a run that people should be notified about while they look elsewhere. */
export interface News {
  key: string;
  tone: 'info' | 'warning' | 'error';
  title: string;
  detail: string;
  step: number;
}

const atOnce = 3;

/** Returns what is new in a run since the previous call: warnings, errors, and the end. The first call returns nothing. */
export function createNews(): (view: RunView) => News[] {
  let seen: number | null = null;
  return (view) => {
    const before = seen;
    if (before === view.seq) return [];
    seen = view.seq;
    if (before === null) return [];
    const { name } = view.setup;
    const alerts = view.recent.alerts.items
      .filter((a) => a.seq > before && a.level !== 'info' && a.notify !== false)
      .map(
        ({ seq, level, kind, step, message }): News => ({
          key: `${seq}`,
          tone: level,
          title: `${name}: ${kind}${step === null ? '' : ` at step ${count(step)}`}`,
          detail: message,
          step: step ?? view.step,
        }),
      );
    const ends = view.recent.statuses.items
      .filter((s) => s.seq > before && ended(s.status))
      .map(
        ({ seq, status, step, message }): News => ({
          key: `${seq}`,
          tone: status === 'failed' || status === 'crashed' ? 'error' : 'info',
          title: `${name}: ${status} at step ${count(step)}`,
          detail: message,
          step,
        }),
      );
    return [...alerts, ...ends].slice(-atOnce);
  };
}
