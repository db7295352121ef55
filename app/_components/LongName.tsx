/** Letters of the end that are always shown: what tells the parameters of a layer, or the runs of a sweep, apart. */
const endLetters = 16;

/**
 * The name of a run, a series or a setting on one line. Where there is no room for all of it, its middle is left out, as beginning and end tell names apart; the
 * whole name is its title, and what assistive technology reads.
 */
export function LongName({
  children: name,
  title = name,
  className = '',
}: {
  children: string;
  title?: string | null;
  className?: string;
}) {
  const letters = [...name];
  if (letters.length <= endLetters + 4)
    return (
      <span className={`block min-w-0 truncate ${className}`} title={title ?? undefined}>
        {name}
      </span>
    );
  return (
    <span dir="auto" className={`relative flex min-w-0 overflow-hidden ${className}`} title={title ?? undefined}>
      <span className="sr-only">{name}</span>
      <span aria-hidden className="min-w-4 overflow-hidden text-ellipsis whitespace-pre">
        {letters.slice(0, -endLetters).join('')}
      </span>
      {/* In less room than its own, its end is what is seen. */}
      <span aria-hidden className="flex max-w-[calc(100%---spacing(4))] shrink-0 justify-end overflow-hidden whitespace-pre">
        {letters.slice(-endLetters).join('')}
      </span>
    </span>
  );
}
