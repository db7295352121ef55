/** The program cannot start: the message has one line per problem, naming the setting and the fix. */
export class StartError extends Error {
  override name = 'StartError';
}
