/** The file cannot become a run; the message says where it is wrong and is for the client. */
export class ImportError extends Error {
  override name = 'ImportError';

  constructor(
    message: string,
    /** Columns of which one must be chosen to count the steps. */
    readonly axes?: string[],
  ) {
    super(message);
  }
}

/** The run of the file is here already: it can be imported as a copy. */
export class AlreadyHereError extends ImportError {
  constructor(
    readonly runId: string,
    /** Everything in the file is already here. */
    readonly nothingNew: boolean,
    message: string,
  ) {
    super(message);
  }
}
