import type { ReactNode } from 'react';

/** Keys, gestures or examples with their meaning, one to a line. */
export const Keys = ({ of }: { of: readonly (readonly [text: ReactNode, meaning: string, ...more: unknown[]])[] }) => (
  <dl className="grid grid-cols-[auto_1fr] gap-x-3 gap-y-1">
    {of.map(([text, meaning]) => (
      <div key={meaning} className="col-span-2 grid grid-cols-subgrid">
        <dt>
          <kbd className="rounded-sm border border-line bg-raised px-1 font-mono text-2xs whitespace-nowrap">{text}</kbd>
        </dt>
        <dd>{meaning}</dd>
      </div>
    ))}
  </dl>
);

export const headingClass = 'mb-1 text-2xs font-semibold tracking-wider text-dim uppercase';
