/** What `headroom verify` found. */
export interface Verified {
  /** What was checked, in sentences. */
  sound: string[];
  damaged: string[];
}
