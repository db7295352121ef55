/** A start that cannot go on: its message is one line per thing for the person who started it, naming the setting and the fix. */
export class StartError extends Error {
  override name = 'StartError';
}
