/** No reference is as long: a name has at most 255 characters, a tag 128, a digest 136. What is longer is a picture. */
const maxReferenceLength = 600;

/**
 * Every image that an object of any kind names, in whatever pod template it holds: the text of each field `image`, as
 * containers have it, or of `image.reference`, as volumes do. What is no reference of an image does no harm among them.
 * `metadata` and `status` don't count, since a controller makes no pod of what they say.
 */
export function imagesNamedIn(object: object): string[] {
  const { metadata: _, status: __, ...content } = object as Record<string, unknown>;
  const images: string[] = [];
  // Not by recursion: an object of an extension may be nested deeper than the stack.
  const left: object[] = [content];
  for (let next = left.pop(); next !== undefined; next = left.pop()) {
    if ('image' in next) images.push(...imageOf(next.image));
    for (const value of Object.values(next)) if (typeof value === 'object' && value !== null) left.push(value);
  }
  return images;
}

function imageOf(image: unknown): string[] {
  const text = typeof image === 'object' && image !== null && 'reference' in image ? image.reference : image;
  return typeof text === 'string' && text !== '' && text.length <= maxReferenceLength ? [text] : [];
}
