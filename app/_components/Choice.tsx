import type { ReactNode } from 'react';

interface ChoiceProps {
  title: string;
  /** What it gives. */
  what: string;
  disabled?: boolean;
  onClick(): void;
  /** What belongs to it, below. */
  children?: ReactNode;
}

/** One line of a menu. */
export function Choice({ title, what, disabled = false, onClick, children }: ChoiceProps) {
  return (
    <li>
      <button
        type="button"
        disabled={disabled}
        className="flex min-h-7 w-full items-baseline gap-2 rounded-sm px-1 py-0.5 text-left hover:not-disabled:bg-panel disabled:opacity-45"
        onClick={onClick}
      >
        <span className="font-medium whitespace-nowrap text-ink">{title}</span>
        <span className="text-xs text-dim">{what}</span>
      </button>
      {children}
    </li>
  );
}
