/** The first container of a puller, which is ours. It ends before the kubelet pulls the images. */
export const prepareContainer = 'prepare';

/** The name of the container of an image, by the index of the image in its policy. */
export function containerName(index: number): string {
  return `image-${index}`;
}

/** The index of the image of a container; undefined for a container of another kind, such as an injected one. */
export function indexOfContainer(name: string): number | undefined {
  const [, digits] = /^image-(\d{1,6})$/.exec(name) ?? [];
  return digits === undefined ? undefined : Number(digits);
}
