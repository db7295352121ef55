import { MoreHorizontal } from 'lucide-react';
import { Suspense, useRef, useState } from 'react';
import { buttonClass } from '~/app/_components/Button';
import { later, Opening } from '~/app/_components/later';
import type { Actor } from '~/shared/ids';
import type { RunActionsProps } from './RunActions';

const RunActions = later(() => import('./RunActions'));

/** The menu of a line; its content is loaded when it is first opened. */
export function RunMenu({
  run,
  name,
  you,
  ...on
}: Pick<RunActionsProps, 'run' | 'onAgain' | 'onDialog'> & { name: string; you: Actor | null }) {
  const [open, setOpen] = useState(false);
  const button = useRef<HTMLButtonElement>(null);
  if (!you) return null;
  return (
    <>
      <button
        ref={button}
        type="button"
        aria-label={`Actions on ${name}`}
        aria-haspopup="menu"
        aria-expanded={open}
        className={buttonClass('bare', 'icon')}
        onClick={() => setOpen(!open)}
      >
        <MoreHorizontal aria-hidden size={15} />
      </button>
      {open && (
        <Suspense fallback={<Opening />}>
          <RunActions run={run} you={you} anchor={button} {...on} onClose={() => setOpen(false)} />
        </Suspense>
      )}
    </>
  );
}
