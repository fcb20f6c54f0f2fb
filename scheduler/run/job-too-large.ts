/** A job that can't be stored. Another attempt does not help; the message says what to do. */
export class JobTooLargeError extends Error {
  override readonly name = 'JobTooLargeError';
}
