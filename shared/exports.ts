/** A format that runs are exported in, as menus show it. */
export interface ExportFormat {
  /** Its name in the request. */
  format: string;
  title: string;
  /** What is in the file. */
  what: string;
  /** The whole run; the page that replays it; or the snapshot at a step. */
  of: 'run' | 'replay' | 'snapshot';
}
