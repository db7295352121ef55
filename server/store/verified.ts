/** What `headroom verify` found. */
export interface Verified {
  /** What was checked, in sentences. */
  sound: string[];
  damaged: string[];
  /** What could not be read, and why; it may be sound. */
  unread: string[];
}
