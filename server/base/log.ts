/**
 * Structured messages for the operator of the server; details carry the ids of run, attempt and connection. pino has this
 * interface.
 */
export interface Log {
  info(details: object, message: string): void;
  warn(details: object, message: string): void;
  error(details: object, message: string): void;
}
