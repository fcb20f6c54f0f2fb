/** The content of a source is not what the source should have. */
export class ContentError extends Error {
  override readonly name = 'ContentError';
}
