/** Harbor refuses a request, or its answer can't be understood. The message has the path and the next step. */
export class HarborError extends Error {
  override readonly name: string = 'HarborError';
}

/** Harbor itself, and no proxy before it, says that it does not have an object. */
export class NotFoundError extends HarborError {
  override readonly name = 'NotFoundError';
}

/** The account has no right to see an object, or the object does not exist. */
export class ForbiddenError extends HarborError {
  override readonly name = 'ForbiddenError';
}

/** A list that could not be read without changes. */
export class ChangingListError extends HarborError {
  override readonly name = 'ChangingListError';
}
