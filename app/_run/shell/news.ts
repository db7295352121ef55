import { ended, type RunView } from '~/shared/view';

/** Something of a run that somebody who looks elsewhere would want to know. */
export interface News {
  key: string;
  tone: 'info' | 'warning' | 'error';
  title: string;
  detail: string;
  step: number;
}

const atOnce = 3;

/** What is new in a run since the last look: warnings, errors, and its end. The first look has no news. */
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
          title: `${name}: ${kind}${step === null ? '' : ` at step ${step}`}`,
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
          title: `${name}: ${status} at step ${step}`,
          detail: message,
          step,
        }),
      );
    return [...alerts, ...ends].slice(-atOnce);
  };
}
