'use client';

import { ThemeProvider, useTheme } from 'next-themes';
import type { ReactNode } from 'react';
import { Toaster } from 'sonner';
import { ApiProvider } from '~/app/_trpc/client';
import { PaletteHost } from './PaletteHost';
import { PeopleColors } from './PeopleColors';
import { RememberedChoices } from './RememberedChoices';

export function Providers({ children }: { children: ReactNode }) {
  return (
    <ThemeProvider attribute="class" defaultTheme="system" enableSystem disableTransitionOnChange>
      <ApiProvider>
        <PeopleColors />
        <RememberedChoices />
        {children}
        <PaletteHost />
      </ApiProvider>
      <Toasts />
    </ThemeProvider>
  );
}

function Toasts() {
  const { resolvedTheme } = useTheme();
  return (
    <Toaster
      theme={resolvedTheme === 'light' ? 'light' : 'dark'}
      position="bottom-left"
      visibleToasts={3}
      toastOptions={{
        style: {
          background: 'var(--color-raised)',
          color: 'var(--color-ink)',
          border: '1px solid var(--color-line)',
          borderRadius: '3px',
          fontFamily: 'var(--font-sans)',
        },
      }}
    />
  );
}
