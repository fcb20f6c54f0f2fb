/** A job that can't be stored. Another attempt does not help; the message names the next step. */
export class JobTooLargeError extends Error {
  override readonly name = 'JobTooLargeError';
}
