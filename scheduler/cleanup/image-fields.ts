/** Maximum length of a reference: a name has at most 255 characters, a tag 128, a digest 136. */
const maxReferenceLength = 600;

/**
 * All images that an object of any kind names in its pod templates: the text of each field `image` (containers) or
 * `image.reference` (volumes). A text that is not a reference does no harm. `metadata` and `status` don't count, because
 * controllers create no pods from them.
 */
export function imagesNamedIn(object: object): string[] {
  const { metadata: _, status: __, ...content } = object as Record<string, unknown>;
  const images: string[] = [];
  // A loop, because a custom object may be nested deeper than the stack allows.
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
