import { Suspense, useState } from 'react';
import { later, Opening } from '~/app/_components/later';
import type { ConfirmProps } from './ConfirmBody';

const ConfirmBody = later(() => import('./ConfirmBody'));

/** Asks for confirmation before an action that cannot be undone. */
export function Confirm(props: ConfirmProps) {
  const [wanted, setWanted] = useState(props.open);
  if (props.open && !wanted) setWanted(true);
  return wanted ? (
    <Suspense fallback={<Opening />}>
      <ConfirmBody {...props} />
    </Suspense>
  ) : null;
}
