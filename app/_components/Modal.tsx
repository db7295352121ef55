import { lazy, type ReactNode, Suspense, useState } from 'react';

const ModalBody = lazy(() => import('./ModalBody'));

export interface ModalProps {
  open: boolean;
  onClose(): void;
  title: string;
  help?: string;
  wide?: boolean;
  children: ReactNode;
}

/**
 * A dialog over the page, loaded when it is first opened. Escape and a click outside close it. A field that is marked `data-first` has the focus when it opens.
 */
export function Modal(props: ModalProps) {
  const [wanted, setWanted] = useState(props.open);
  if (props.open && !wanted) setWanted(true);
  return wanted ? (
    <Suspense fallback={null}>
      <ModalBody {...props} />
    </Suspense>
  ) : null;
}
