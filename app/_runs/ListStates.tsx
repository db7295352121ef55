import type { ReactNode } from 'react';
import type { LinkStatus } from '~/app/_live/types';
import type { View } from './tableQuery';

/** What is to be known of the list before it is read: the trash, a broken connection, an error. */
export function Notices(props: { shelf: View['show']; link: LinkStatus; error: string | null; onAgain(): void }) {
  const { shelf, link, error, onAgain } = props;
  return (
    <>
      {shelf === 'trash' && (
        <p className="mb-2 text-xs text-dim">Deleted runs are kept for 30 days; then they are gone for good.</p>
      )}
      {link === 'reconnecting' && (
        <p role="alert" className="mb-2 rounded border border-warn/50 bg-warn/10 px-3 py-1.5 text-warn">
          The connection to the server broke. The list may be old; it is fetched again on return.
        </p>
      )}
      {error && link !== 'reconnecting' && (
        <p role="alert" className="mb-2 rounded border border-bad/50 bg-bad/10 px-3 py-1.5 text-bad">
          The list could not be read: {error}{' '}
          <button type="button" className="underline" onClick={onAgain}>
            Try again
          </button>
        </p>
      )}
    </>
  );
}

export function Message({ title, text, children }: { title: string; text: string; children?: ReactNode }) {
  return (
    <div className="rounded border border-line bg-panel px-4 py-14 text-center">
      <p className="font-medium">{title}</p>
      <p className="mb-3 text-dim">{text}</p>
      {children}
    </div>
  );
}

export function Loading() {
  return (
    <div aria-busy className="min-h-0 flex-1 space-y-2 rounded border border-line bg-panel p-3">
      <span className="sr-only">Reading the runs</span>
      {[0, 1, 2].map((i) => (
        <div key={i} className="h-8 animate-pulse rounded bg-raised" />
      ))}
    </div>
  );
}
