import { Suspense, useEffect } from 'react';
import { later } from '~/app/_components/later';
import { useSelected } from '~/app/_live/select';
import { toaster } from '~/app/_live/toast';

const load = () => import('./ToastsBody');
const ToastsBody = later(load);
/** By then the page shows what it was opened for. */
const idleAfterMs = 5_000;

/** The messages of `toast`. Their script comes before the first one: that the server cannot be reached is a message too. */
export function Toasts() {
  const wanted = useSelected(toaster, (t) => t.wanted);
  useEffect(() => {
    const timer = setTimeout(() => void load().catch(() => {}), idleAfterMs);
    return () => clearTimeout(timer);
  }, []);
  return <Suspense fallback={null}>{wanted && <ToastsBody />}</Suspense>;
}
