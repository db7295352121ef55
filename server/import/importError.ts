/** The file cannot become a run; the message says where it is wrong and goes to whoever sent it. */
export class ImportError extends Error {
  override name = 'ImportError';
}
