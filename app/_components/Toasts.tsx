import { Suspense } from 'react';
import { later } from '~/app/_components/later';
import { useSelected } from '~/app/_live/select';
import { toaster } from '~/app/_live/toast';

const ToastsBody = later(() => import('./ToastsBody'));

/** The messages of `toast`. */
export function Toasts() {
  const wanted = useSelected(toaster, (t) => t.wanted);
  return <Suspense fallback={null}>{wanted && <ToastsBody />}</Suspense>;
}
