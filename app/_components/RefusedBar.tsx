/** Says that the server does not serve this page any more, and leads back. */
export function RefusedBar({ why }: { why: string }) {
  return (
    <p role="alert" className="border-b border-bad/50 bg-bad/10 px-4 py-1 text-center text-bad">
      {why.replace(/\.$/, '')}. What you see is as it was then.{' '}
      {/* The server leads whoever is signed out to the page for signing in, and from there back. */}
      <button type="button" className="underline" onClick={() => location.reload()}>
        Open this page again
      </button>
    </p>
  );
}
