/** What somebody sent fits its schema and still cannot be: the message begins with the field and says what would fit. */
export class FieldError extends Error {
  override name = 'FieldError';
  constructor(
    readonly field: string,
    message: string,
  ) {
    super(`${field}: ${message}`);
  }
}
