import { Dialog } from '@base-ui/react/dialog';
import { X } from 'lucide-react';
import { type ReactNode, useRef } from 'react';
import { buttonClass } from './Button';

export interface ModalProps {
  open: boolean;
  onClose(): void;
  title: string;
  help?: string;
  wide?: boolean;
  children: ReactNode;
}

/** The content of Modal. */
export default function ModalBody({ open, onClose, title, help, wide = false, children }: ModalProps) {
  const popup = useRef<HTMLDivElement>(null);
  return (
    <Dialog.Root open={open} onOpenChange={(next) => !next && onClose()}>
      <Dialog.Portal>
        <Dialog.Backdrop className="fixed inset-0 z-40 bg-black/50" />
        <Dialog.Popup
          ref={popup}
          initialFocus={() => popup.current?.querySelector<HTMLElement>('[data-first]') ?? true}
          className={`fixed top-1/2 left-1/2 z-50 flex max-h-[calc(100dvh-1rem)] w-[calc(100vw-1rem)] -translate-x-1/2 -translate-y-1/2 flex-col rounded border border-line bg-panel shadow-2xl shadow-black/40 outline-none ${wide ? 'max-w-3xl' : 'max-w-md'}`}
        >
          <header className="flex items-start justify-between gap-3 border-b border-line px-4 py-2.5">
            <div>
              <Dialog.Title className="text-sm font-semibold">{title}</Dialog.Title>
              {help && <Dialog.Description className="text-dim">{help}</Dialog.Description>}
            </div>
            <Dialog.Close aria-label="Close" className={buttonClass('bare', 'icon')}>
              <X aria-hidden size={15} />
            </Dialog.Close>
          </header>
          {children}
        </Dialog.Popup>
      </Dialog.Portal>
    </Dialog.Root>
  );
}
