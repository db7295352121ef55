'use client';

import { Moon, Sun } from 'lucide-react';
import Link from 'next/link';
import { useTheme } from 'next-themes';
import type { ReactNode } from 'react';
import { connection } from '~/app/_live/connection';
import { useSelected } from '~/app/_live/select';
import { Button } from './Button';
import { ProblemBar } from './ProblemBar';
import { RefusedBar } from './RefusedBar';

/** The logo: a level meter with room above the peak. */
export function Mark({ size = 18 }: { size?: number }) {
  return (
    <svg aria-hidden width={size} height={size} viewBox="0 0 18 18" fill="none">
      <path d="M2 2.5h14" stroke="currentColor" strokeWidth="1.5" strokeLinecap="round" strokeDasharray="2.4 2.4" />
      <path d="M4 16v-5M9 16V7M14 16v-7" stroke="var(--color-accent)" strokeWidth="3" strokeLinecap="round" />
    </svg>
  );
}

/**
 * The header of every page but a run's.
 *
 * @param title of a page below the list of runs
 * @param skip whether to draw a skip link: the page has a region with the id `main`
 */
export function PageHeader({ title, children, skip = false }: { title?: string; children?: ReactNode; skip?: boolean }) {
  const why = useSelected(connection, (state) => state.refused);
  return (
    <>
      <header className="flex min-h-11 flex-wrap items-center gap-x-4 gap-y-1 border-b border-line bg-panel px-3 py-1.5 sm:px-4">
        {skip && (
          <a
            href="#main"
            className="sr-only focus:not-sr-only focus:fixed focus:top-1 focus:left-1 focus:z-60 focus:rounded focus:bg-accent focus:px-2 focus:py-1 focus:text-on-accent"
          >
            Skip to the content
          </a>
        )}
        <Link
          href="/"
          prefetch={false}
          className="-m-1 inline-flex items-center gap-2 p-1 font-semibold tracking-tight"
          aria-label="Headroom: all runs"
        >
          <Mark />
          <span className="hidden sm:inline">Headroom</span>
        </Link>
        {title !== undefined && (
          <>
            <span aria-hidden className="-mx-2 text-dim">
              /
            </span>
            <h1 className="text-sm font-semibold">{title}</h1>
          </>
        )}
        {children}
      </header>
      {why !== null && <RefusedBar why={why} />}
      <ProblemBar />
    </>
  );
}

export function ThemeToggle() {
  const { resolvedTheme, setTheme } = useTheme();
  return (
    <Button
      look="bare"
      size="icon"
      aria-label="Switch between dark and light"
      title="Dark or light"
      onClick={() => setTheme(resolvedTheme === 'dark' ? 'light' : 'dark')}
    >
      <Moon aria-hidden size={15} className="hidden dark:block" />
      <Sun aria-hidden size={15} className="dark:hidden" />
    </Button>
  );
}
