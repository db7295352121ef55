import { useRun } from './useRun';

/** True for a recording: no server receives commands or notes, so controls and inputs are left out of the page. */
export const useReadOnly = (): boolean => useRun((r) => r.readOnly === true);
