import { atBase } from '~/app/_live/base';

/** Says that the server does not serve this page any more, and leads back. */
export function RefusedBar({ why }: { why: string }) {
  return (
    <p role="alert" className="border-b border-bad/50 bg-bad/10 px-4 py-1 text-center text-bad">
      {`${why.slice(0, 1).toUpperCase()}${why.slice(1).replace(/\.$/, '')}`}. What you see is as it was then.{' '}
      {/* The server leads whoever is signed out to the page for signing in, and from there back. */}
      <button type="button" className="underline" onClick={() => location.reload()}>
        Open this page again
      </button>{' '}
      or go to{' '}
      <a href={atBase('/')} className="underline">
        all runs
      </a>
      .
    </p>
  );
}
