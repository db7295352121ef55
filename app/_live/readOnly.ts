import { useRun } from './useRun';

/** A recording, not a live run: there is nobody to ask or to tell, so what steers or writes is left out of the page. */
export const useReadOnly = (): boolean => useRun((r) => r.readOnly === true);
