import type { ReactNode } from 'react';
import { Button } from '~/app/_components/Button';

/** Layout of a panel's tab: the tools stay visible while the content below them scrolls, where there is room for both. */
export function PanelBody({ title, tools, children }: { title: string; tools?: ReactNode; children: ReactNode }) {
  return (
    <section aria-label={title} className="min-w-0">
      {tools && (
        <div className="sticky top-0 z-20 flex min-h-9 flex-wrap items-center gap-x-3 gap-y-1 border-b border-line bg-panel px-3 py-1 max-[899px]:static low:static">
          {tools}
        </div>
      )}
      {children}
    </section>
  );
}

/** Why a panel has nothing to show. */
export const Nothing = ({ children }: { children: ReactNode }) => <p className="px-3 py-4 text-dim">{children}</p>;

/** Loads older items, below the last one of a list. */
export const Older = ({ onClick }: { onClick(): void }) => (
  <p className="border-t border-line p-1 text-center">
    <Button size="small" look="bare" onClick={onClick}>
      Older
    </Button>
  </p>
);
