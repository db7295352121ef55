import { Suspense, useEffect, useRef, useState } from 'react';
import { later, Opening } from '~/app/_components/later';
import { toast } from '~/app/_live/toast';
import type { ConfirmProps } from './ConfirmBody';

const ConfirmBody = later(() => import('./ConfirmBody'));

/** Asks for confirmation before an action that cannot be undone. A question that leaves the page with its button says so. */
export function Confirm(props: ConfirmProps) {
  const [wanted, setWanted] = useState(props.open);
  if (props.open && !wanted) setWanted(true);
  const open = useRef<string | null>(null);
  useEffect(() => {
    open.current = props.open ? props.title : null;
  });
  useEffect(
    () => () => {
      if (open.current !== null) toast.warning(`“${open.current}” was closed without an answer: nothing was done`);
    },
    [],
  );
  const close = () => {
    open.current = null;
    props.onClose();
  };
  return wanted ? (
    <Suspense fallback={<Opening />}>
      <ConfirmBody {...props} onClose={close} />
    </Suspense>
  ) : null;
}
