import { type ReactNode, useId } from 'react';

/** A titled region of the page. `aside` stands at the right of the title. */
export function Panel({
  title,
  aside,
  children,
  className = '',
}: {
  title: string;
  aside?: ReactNode;
  children: ReactNode;
  className?: string;
}) {
  const id = useId();
  return (
    <section aria-labelledby={id} className={`min-w-0 rounded border border-line bg-panel ${className}`}>
      <header className="flex min-h-8 flex-wrap items-center justify-between gap-x-3 gap-y-1 border-b border-line px-3 py-1">
        <h2 id={id} className="text-2xs font-semibold tracking-wider text-dim uppercase">
          {title}
        </h2>
        {aside}
      </header>
      {children}
    </section>
  );
}
