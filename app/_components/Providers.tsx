'use client';

import { ThemeProvider } from 'next-themes';
import { type ReactNode, useEffect } from 'react';
import { ApiProvider } from '~/app/_trpc/client';
import { keepFocus } from './keepFocus';
import { NoFileDrops } from './NoFileDrops';
import { PaletteHost } from './PaletteHost';
import { PeopleColors } from './PeopleColors';
import { RememberedChoices } from './RememberedChoices';
import { Toasts } from './Toasts';

export function Providers({ children }: { children: ReactNode }) {
  useEffect(() => keepFocus(document), []);
  return (
    <ThemeProvider attribute="class" defaultTheme="system" enableSystem disableTransitionOnChange>
      <ApiProvider>
        <PeopleColors />
        <RememberedChoices />
        {children}
        <PaletteHost />
        <NoFileDrops />
      </ApiProvider>
      <Toasts />
    </ThemeProvider>
  );
}
