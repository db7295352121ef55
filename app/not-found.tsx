import Link from 'next/link';
import { buttonClass } from './_components/Button';
import { PageHeader } from './_components/TopBar';

export default function NotFound() {
  return (
    <>
      <PageHeader />
      <main id="main" className="px-4 py-20 text-center">
        <h1 className="text-base font-semibold">There is no such page</h1>
        <p className="mx-auto mt-1 max-w-md text-dim">
          The address may be cut short or mistyped. Runs are at /runs/ and their id; everything else is reached from the list of
          runs.
        </p>
        <Link href="/" className={`${buttonClass('primary')} mt-4`}>
          All runs
        </Link>
      </main>
    </>
  );
}
