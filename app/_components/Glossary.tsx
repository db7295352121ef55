'use client';

import { Popover } from '@base-ui/react/popover';
import { type Term, terms } from './terms';

/** A "?" that explains a word of the page, by click, touch or key. The button is 24 px large, also where the sign is smaller. */
export function Explain({ term, className = '' }: { term: Term; className?: string }) {
  const [title, text] = terms[term];
  return (
    <Popover.Root>
      <Popover.Trigger
        aria-label={`What is “${title}”?`}
        className={`group inline-flex size-6 shrink-0 items-center justify-center rounded-full align-middle font-sans ${className}`}
      >
        <span
          aria-hidden
          className="inline-flex size-3.5 items-center justify-center rounded-full border border-line text-[0.625rem] leading-none font-semibold text-dim group-hover:border-dim group-hover:text-ink"
        >
          ?
        </span>
      </Popover.Trigger>
      <Popover.Portal>
        <Popover.Positioner sideOffset={4} collisionPadding={8} className="z-60">
          <Popover.Popup className="w-72 max-w-[calc(100vw-1rem)] rounded border border-line bg-raised p-3 text-left font-sans text-[0.8125rem] font-normal tracking-normal text-ink normal-case shadow-lg shadow-black/20 outline-none">
            <Popover.Title className="font-semibold">{title}</Popover.Title>
            <Popover.Description className="mt-0.5 text-dim">{text}</Popover.Description>
          </Popover.Popup>
        </Popover.Positioner>
      </Popover.Portal>
    </Popover.Root>
  );
}

/** Every term with its meaning, for the help. */
export function Glossary() {
  const sorted = Object.values(terms).toSorted(([a], [b]) => a.localeCompare(b, 'en'));
  return (
    <dl className="grid gap-x-6 gap-y-2 sm:grid-cols-2">
      {sorted.map(([title, text]) => (
        <div key={title}>
          <dt className="font-semibold">{title}</dt>
          <dd className="text-dim">{text}</dd>
        </div>
      ))}
    </dl>
  );
}
