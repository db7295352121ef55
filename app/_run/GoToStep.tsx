import type { ReactNode } from 'react';
import { count } from '~/app/_components/format';
import { setCursor } from '~/app/_live/cursor';

/** A step as a button that moves every panel to it. */
export const GoToStep = (props: { step: number; className?: string; children?: ReactNode; onGo?: () => void }) => {
  const { step, className = '', children = count(step), onGo = () => setCursor.pin(step) } = props;
  return (
    <button
      type="button"
      className={`shrink-0 rounded-sm font-mono text-accent hover:underline ${className}`}
      aria-label={`Go to step ${count(step)}`}
      onClick={onGo}
    >
      {children}
    </button>
  );
};
