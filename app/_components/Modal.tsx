import { lazy, Suspense, useState } from 'react';
import type { ModalProps } from './ModalBody';

const ModalBody = lazy(() => import('./ModalBody'));

/**
 * A dialog over the page, loaded when it is first opened. Escape and a click outside close it. A field marked `data-first` gets
 * the focus when the dialog opens.
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
