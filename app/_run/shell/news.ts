import type { Actor } from '~/shared/ids';
import { ended, type RunView } from '~/shared/view';

/** Something that somebody who looks elsewhere would want to know. */
export interface News {
  key: string;
  kind: 'alert' | 'end' | 'mention';
  tone: 'info' | 'warning' | 'error';
  title: string;
  detail: string;
}

const atOnce = 3;

/** What is new in a run since the last look: warnings and errors, its end, and notes by others that mention you. The first look has no news. */
export function createNews(): (view: RunView, you: Actor | null) => News[] {
  let seen: { seq: number } | null = null;
  return (view, you) => {
    const before = seen;
    if (before?.seq === view.seq) return [];
    seen = { seq: view.seq };
    if (!before) return [];
    const where = view.setup.name;
    const alerts = view.recent.alerts.items
      .filter((a) => a.seq > before.seq && a.level !== 'info' && a.notify !== false)
      .map(
        (a): News => ({
          key: `alert ${a.seq}`,
          kind: 'alert',
          tone: a.level,
          title: a.step === null ? `${where}: ${a.kind}` : `${where}: ${a.kind} at step ${a.step}`,
          detail: a.message,
        }),
      );
    const ends = view.recent.statuses.items
      .filter((s) => s.seq > before.seq && ended(s.status))
      .map(
        (s): News => ({
          key: `end ${s.seq}`,
          kind: 'end',
          tone: s.status === 'failed' || s.status === 'crashed' ? 'error' : 'info',
          title: `${where}: ${s.status} at step ${s.step}`,
          detail: s.message,
        }),
      );
    const mentions = view.recent.notes.items
      .filter((n) => you && n.seq > before.seq && n.author.id !== you.id && mentionsOf(n.text, you.name))
      .map(
        (n): News => ({
          key: `note ${n.id}`,
          kind: 'mention',
          tone: 'info',
          title: `${where}: ${n.author.name} mentions you at step ${n.anchor.step}`,
          detail: n.text.slice(0, 200),
        }),
      );
    return [...alerts, ...mentions, ...ends].slice(-atOnce);
  };
}

/** "@AdaLovelace" for "Ada Lovelace": a name with blanks is mentioned without them (room/Mentions.tsx). */
function mentionsOf(text: string, name: string): boolean {
  const wanted = name.replaceAll(/\s+/g, '').toLowerCase();
  return [...text.matchAll(/@([\p{L}\p{N}_.-]+)/gu)].some((m) => m[1]!.replace(/[.-]+$/, '').toLowerCase() === wanted);
}
