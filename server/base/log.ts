/** Structured messages for whoever operates the server; details carry the ids of run, attempt and connection. pino is one. */
export interface Log {
  info(details: object, message: string): void;
  warn(details: object, message: string): void;
  error(details: object, message: string): void;
}
