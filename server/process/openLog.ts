import { write, writeSync } from 'node:fs';
import { type Logger, pino } from 'pino';

const standardError = 2;
/** Lines that whoever reads the log has not taken yet; beyond it they are dropped. */
const mostCharacters = 16 << 20;
const retryMs = 100;

/**
 * The server's log: JSON, one line a message, on standard error. Whoever reads what the server prints may go away (a pipe to a program
 * that ends), or stop reading: the server goes on. pino's own stream tries its last line for ever then, and nothing else runs.
 */
export function openLog(level: string): Logger {
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {});
  const lines = new Lines();
  process.on('exit', () => lines.flushSync());
  const log = pino({ level }, lines);
  lines.onDropped = (count) =>
    log.error({ lines: count }, 'lines of this log were dropped here: nobody had read the ones before');
  return log;
}

class Lines {
  #waiting: string[] = [];
  #characters = 0;
  #writing = false;
  #gone = false;
  #dropped = 0;
  onDropped: (count: number) => void = () => {};

  write(line: string): void {
    if (this.#gone) return;
    if (this.#characters > mostCharacters) {
      this.#dropped++;
      return;
    }
    // Later, so that the last line before an end is still here for `flushSync`.
    if (this.#waiting.length === 0) setImmediate(() => this.#next());
    this.#waiting.push(line);
    this.#characters += line.length;
  }

  /** What waits, unless an earlier line is not taken: the process may be about to end, and must not wait for that. */
  flushSync(): void {
    if (this.#writing || this.#gone) return;
    try {
      writeSync(standardError, this.#taken());
    } catch {
      // Nobody reads it.
    }
  }

  #taken(): Buffer {
    this.#characters = 0; // so that the line about dropped ones has room
    if (this.#dropped > 0) this.onDropped(this.#dropped);
    this.#dropped = 0;
    const taken = Buffer.from(this.#waiting.join(''));
    this.#waiting = [];
    this.#characters = 0;
    return taken;
  }

  #next(): void {
    if (this.#writing || this.#gone || this.#waiting.length === 0) return;
    this.#writing = true;
    this.#send(this.#taken());
  }

  #send(bytes: Buffer): void {
    write(standardError, bytes, (error, written) => {
      if (error?.code === 'EAGAIN') return void setTimeout(() => this.#send(bytes), retryMs);
      if (error) {
        this.#gone = true;
        return;
      }
      if (written < bytes.length) return this.#send(bytes.subarray(written));
      this.#writing = false;
      this.#next();
    });
  }
}
