import { Suspense } from 'react';
import { RunList } from './_runs/RunList';

export default function Page() {
  return (
    // The page is prerendered before its address is known.
    <Suspense>
      <RunList />
    </Suspense>
  );
}
