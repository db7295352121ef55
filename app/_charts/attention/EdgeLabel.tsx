import type { CSSProperties, ReactNode } from 'react';

interface EdgeLabelProps {
  /** Makes the label a button for the pointer; the keyboard reaches the same things elsewhere. */
  onPick?: (() => void) | undefined;
  title?: string | undefined;
  className: string;
  style: CSSProperties;
  children: ReactNode;
}

/** A label at the edge of maps or strips. */
export function EdgeLabel({ onPick, title, className, style, children }: EdgeLabelProps) {
  if (!onPick)
    return (
      <span aria-hidden className={className} style={style}>
        {children}
      </span>
    );
  return (
    <button type="button" tabIndex={-1} title={title} onClick={onPick} className={`${className} hover:text-ink`} style={style}>
      {children}
    </button>
  );
}
