/** The error for a job that can't be stored. Another try does not help. The message names the next step. */
export class JobTooLargeError extends Error {
  override readonly name = 'JobTooLargeError';
}
