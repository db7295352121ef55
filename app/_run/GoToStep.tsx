import type { ReactNode } from 'react';
import { count } from '~/app/_components/format';
import { setCursor } from '~/app/_live/cursor';

/** A step as a button that moves every panel to it. */
export const GoToStep = (props: { step: number; className?: string; children?: ReactNode; onGo?: () => void }) => {
  const { step, className = '', children = count(step), onGo = () => setCursor.pin(step) } = props;
  return (
    <button
      type="button"
      className={`-mx-1 -my-1 min-h-6 min-w-6 shrink-0 rounded-sm px-1 text-right font-mono text-accent hover:underline ${className}`}
      aria-label={`Go to step ${count(step)}`}
      onClick={onGo}
    >
      {children}
    </button>
  );
};
