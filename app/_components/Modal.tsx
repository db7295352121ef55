import { Suspense, useState } from 'react';
import { later, Opening } from '~/app/_components/later';
import type { ModalProps } from './ModalBody';

const ModalBody = later(() => import('./ModalBody'));

/**
 * A dialog over the page, loaded when it is first opened. Escape and a click outside close it. A field marked `data-first` gets
 * the focus when the dialog opens.
 */
export function Modal(props: ModalProps) {
  const [wanted, setWanted] = useState(props.open);
  if (props.open && !wanted) setWanted(true);
  return wanted ? (
    <Suspense fallback={<Opening />}>
      <ModalBody {...props} />
    </Suspense>
  ) : null;
}
