import type { Metadata, Viewport } from 'next';
import type { ReactNode } from 'react';
import { Providers } from './_components/Providers';
import { askEarly } from './_live/early';
import './globals.css';

export const metadata: Metadata = { title: 'Headroom', description: 'One room for a training run' };
export const viewport: Viewport = {
  width: 'device-width',
  initialScale: 1,
  themeColor: [
    { media: '(prefers-color-scheme: dark)', color: '#0d0f11' },
    { media: '(prefers-color-scheme: light)', color: '#f1f2ef' },
  ],
};

/** Keeps zod from trying whether it may compile code: it may not, and every browser reports the try as a breach of the page's content security policy. */
const compileNothing = 'globalThis.__zod_globalConfig = { jitless: true };';

export default function Layout({ children }: { children: ReactNode }) {
  return (
    // next-themes sets the class before React hydrates the page.
    <html lang="en" suppressHydrationWarning>
      <head>
        {/* biome-ignore lint/security/noDangerouslySetInnerHtml: constants, which React would escape */}
        <script dangerouslySetInnerHTML={{ __html: compileNothing + askEarly }} />
      </head>
      <body>
        <Providers>{children}</Providers>
      </body>
    </html>
  );
}
