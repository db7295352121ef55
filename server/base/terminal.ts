/** Streams that a command writes to, and the signal that stops it. */
export interface Terminal {
  out(text: string): void;
  err(text: string): void;
  signal?: AbortSignal;
}

/** Those of this process; Ctrl+C is the signal. Text that ends in \0 gets no line end. */
export function standardTerminal(): Terminal {
  const control = new AbortController();
  process.once('SIGINT', () => control.abort());
  const write = (stream: NodeJS.WriteStream) => (text: string) =>
    void stream.write(text.endsWith('\u0000') ? text.slice(0, -1) : `${text}\n`);
  return { out: write(process.stdout), err: write(process.stderr), signal: control.signal };
}
