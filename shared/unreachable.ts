/** The end of a switch over a union: a missing case becomes a type error. */
export function unreachable(value: never): never {
  throw new Error(`unhandled case: ${JSON.stringify(value)}`);
}
