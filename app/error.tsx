'use client';

import { Button } from './_components/Button';
import { PageHeader } from './_components/TopBar';

/** The error page: shows the error and a way back. */
export default function PageError({ error, reset }: { error: Error & { digest?: string }; reset(): void }) {
  const lacksScript = error.name === 'ChunkLoadError';
  return (
    <>
      <PageHeader />
      <main id="main" className="px-4 py-20 text-center">
        <h1 className="text-base font-semibold">This page could not be shown</h1>
        <p role="alert" className="mx-auto mt-1 max-w-md break-words text-bad">
          {lacksScript
            ? 'A script of this page could not be loaded: Headroom was updated meanwhile, or the server does not answer.'
            : error.message || 'The server did not say why; its log does.'}
        </p>
        <p className="text-dim">Nothing is lost: runs go on without this page.</p>
        <Button look="primary" className="mt-4" onClick={lacksScript ? () => location.reload() : reset}>
          Show it again
        </Button>
      </main>
    </>
  );
}
