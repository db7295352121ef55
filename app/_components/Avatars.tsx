import { Eye } from 'lucide-react';
import { count } from '~/app/_components/format';
import type { Watching } from '~/shared/watching';

/** The default color of a person: the same on every page. */
export function seriesOf(id: string): number {
  let h = 0;
  for (const c of id) h = (h * 31 + c.codePointAt(0)!) >>> 0;
  return (h % 8) + 1;
}

/** The CSS variable in which PeopleColors stores the color that a person chose. */
export const personVariable = (id: string): string => `--person-${id.replaceAll(/[^\w-]/g, '_')}`;

/** The color that the person chose (PeopleColors), or their default color. */
export const colorOf = (id: string): string => `var(${personVariable(id)}, var(--color-series-${seriesOf(id)}))`;

export const initials = (name: string): string =>
  name
    .split(/\s+/)
    .filter(Boolean)
    .slice(0, 2)
    .map((word) => [...word][0]!.toUpperCase())
    .join('') || '?';

export function Avatar({ id, name, title }: { id: string; name: string; title?: string }) {
  return (
    <span
      title={title ?? name}
      className="inline-flex size-5 shrink-0 items-center justify-center rounded-full border bg-raised text-[0.5625rem] font-semibold text-ink"
      style={{ borderColor: colorOf(id) }}
    >
      <span aria-hidden>{initials(name)}</span>
    </span>
  );
}

const shown = 4;

/** The people who watch, each with their number of open pages. */
export function Watchers({ watchers, you }: { watchers: Watching; you: string | null }) {
  const words = watchers.listed.map(
    (w) => `${w.actor.name}${w.actor.id === you ? ' (you)' : ''}${w.tabs > 1 ? ` × ${w.tabs} pages` : ''}`,
  );
  const unlisted = watchers.people - watchers.listed.length;
  if (unlisted > 0) words.push(`${count(unlisted)} more`);
  return (
    <span className="inline-flex items-center gap-1.5" title={words.join(', ')}>
      <span className="flex -space-x-1" aria-hidden>
        {watchers.listed.slice(0, shown).map((w) => (
          <Avatar key={w.actor.id} id={w.actor.id} name={w.actor.name} />
        ))}
      </span>
      <Eye aria-hidden size={13} className="text-dim" />
      <span data-testid="watchers">{count(watchers.tabs)}</span>
      <span className="sr-only">watching: {words.join(', ') || 'nobody'}</span>
    </span>
  );
}
