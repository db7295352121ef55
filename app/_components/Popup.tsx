import { type ReactNode, Suspense, useRef, useState } from 'react';
import { later, Opening } from '~/app/_components/later';

const PopupBody = later(() => import('./PopupBody'));

/** A button that opens a popup. The popup's content is loaded when the button is first pressed. */
export function Popup(props: {
  trigger: ReactNode;
  title: string;
  children: ReactNode;
  className?: string;
  /** Accessible name of the button, where `trigger` has no text. */
  label?: string;
  wide?: boolean;
}) {
  const { trigger, title, children, className = '', label, wide = false } = props;
  const [open, setOpen] = useState(false);
  const button = useRef<HTMLButtonElement>(null);
  return (
    <>
      <button
        ref={button}
        type="button"
        aria-haspopup="dialog"
        aria-expanded={open}
        aria-label={label}
        title={label}
        className={`inline-flex min-h-6 items-center gap-1 rounded text-left hover:text-ink ${className}`}
        onClick={() => setOpen(!open)}
      >
        {trigger}
      </button>
      {open && (
        <Suspense fallback={<Opening />}>
          <PopupBody anchor={button} title={title} wide={wide} onClose={() => setOpen(false)}>
            {children}
          </PopupBody>
        </Suspense>
      )}
    </>
  );
}
