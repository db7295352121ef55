import { lazy, Suspense, useState } from 'react';

const ConfirmBody = lazy(() => import('./ConfirmBody'));

export interface ConfirmProps {
  open: boolean;
  title: string;
  text: string;
  yes: string;
  onYes(): void;
  onClose(): void;
}

/** Asks a second time before something that cannot be taken back. */
export function Confirm(props: ConfirmProps) {
  const [wanted, setWanted] = useState(props.open);
  if (props.open && !wanted) setWanted(true);
  return wanted ? (
    <Suspense fallback={null}>
      <ConfirmBody {...props} />
    </Suspense>
  ) : null;
}
