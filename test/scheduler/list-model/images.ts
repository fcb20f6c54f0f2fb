/** The images of the model. What each of them is like does not change. */
export const images = {
  /** Two registries, so that the limit of one does not hold for the other. */
  plain: ['registry.test/team/a:1', 'registry.test/team/a:2', 'other.test/team/b:1'],
  /** The kubelet can create no container of it. */
  uncreatable: 'registry.test/team/odd:1',
  /** Its container is created, and does not start. */
  unstartable: 'other.test/team/odd:2',
  pinned: `registry.test/team/pinned@sha256:${'5'.repeat(64)}`,
  /** These need a secret. */
  secret: ['registry.test/secret/p:1', 'registry.test/secret/p:2'] as readonly string[],
  /** No list has it. Every node has it from the beginning. */
  foreign: 'registry.test/foreign/tool:1',
} as const;

export const publicImages = [...images.plain, images.uncreatable, images.unstartable, images.pinned];
export const listedImages = [...publicImages, ...images.secret];

export function registryOf(image: string): string {
  return image.slice(0, image.indexOf('/'));
}
