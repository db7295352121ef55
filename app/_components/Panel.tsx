import { ChevronDown, ChevronRight } from 'lucide-react';
import { type ReactNode, useId } from 'react';
import { slug, toggleFolded, useFolded } from '~/app/_live/panes';

/** A titled region of the page that can be folded. `aside` is shown at the right of the title. */
export function Panel(props: { title: string; aside?: ReactNode; children: ReactNode; className?: string }) {
  const { title, aside, children, className = '' } = props;
  const id = useId();
  const pane = slug(title);
  const folded = useFolded(pane);
  const Chevron = folded ? ChevronRight : ChevronDown;
  return (
    <section aria-labelledby={id} className={`min-w-0 rounded border border-line bg-panel ${className}`}>
      <header
        className={`flex min-h-8 flex-wrap items-center justify-between gap-x-3 gap-y-1 px-3 py-1 ${folded ? '' : 'border-b border-line'}`}
      >
        <h2 id={id} className="text-2xs font-semibold tracking-wider uppercase">
          <button
            type="button"
            aria-expanded={!folded}
            className="-my-1 -ml-1 inline-flex min-h-6 items-center gap-0.5 rounded-sm tracking-wider text-dim uppercase hover:text-ink"
            onClick={() => toggleFolded(pane)}
          >
            <Chevron aria-hidden size={12} />
            {title}
          </button>
        </h2>
        {!folded && aside}
      </header>
      {!folded && children}
    </section>
  );
}
