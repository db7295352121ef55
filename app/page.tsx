import { Suspense } from 'react';
import { PageHeader } from './_components/TopBar';
import { RunList } from './_runs/RunList';

export default function Page() {
  return (
    // The page is prerendered before its address is known.
    <Suspense fallback={<PageHeader />}>
      <RunList />
    </Suspense>
  );
}
