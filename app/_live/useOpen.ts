import { type RefObject, useEffect, useRef } from 'react';

/** True while the component is on the page: an answer that comes later must not take the person to another page. */
export function useOpen(): RefObject<boolean> {
  const open = useRef(true);
  useEffect(() => {
    open.current = true;
    return () => {
      open.current = false;
    };
  }, []);
  return open;
}
