import { formatDuration } from '../../contract/duration.ts';
import type { Container } from './runtime.ts';

type Reason =
  | 'ContainersCutShort'
  | 'ImagesCutShort'
  | 'UnresolvedContainer'
  | 'UninspectedContainer'
  | 'NothingStarted';

/** The answers of the runtime do not fit together, so that nothing can be said to be unused. */
export class InventoryError extends Error {
  override readonly name = 'InventoryError';
  readonly reason: Reason;

  constructor(reason: Reason, message: string) {
    super(`${message}; nothing was removed because of it`);
    this.reason = reason;
  }
}

export function missingOwnContainer(podUid: string): InventoryError {
  const message = `the list of containers is cut short, as it lacks the container of this very pod (uid ${podUid}): check that CONTAINER_RUNTIME_ENDPOINT is the socket of the runtime that the kubelet uses`;
  return new InventoryError('ContainersCutShort', message);
}

export function noContainers(readySandboxes: number): InventoryError {
  const message = `the list of containers is empty although ${readySandboxes} pod sandboxes are ready: look at the containers and pods on the node ("crictl ps -a", "crictl pods")`;
  return new InventoryError('ContainersCutShort', message);
}

export function noImages(containers: number): InventoryError {
  const message = `the list of images is empty although there are ${containers} containers: look at the images on the node ("crictl images", or "docker images" on Docker Engine)`;
  return new InventoryError('ImagesCutShort', message);
}

export function unresolvedContainer({ id, name }: Container, references: readonly string[]): InventoryError {
  const from = references.length === 0 ? 'names no image' : `uses ${references.join(', ')}, which is no image here`;
  const message = `container ${name} (${id}) ${from}: remove the container if it is a leftover ("crictl rm ${id}", or "docker rm" on Docker Engine)`;
  return new InventoryError('UnresolvedContainer', message);
}

export function uninspectedContainer({ id, name }: Container): InventoryError {
  const message = `container ${name} (${id}) is listed, and can't be inspected: look at it on the node ("crictl inspect ${id}", or "docker inspect" on Docker Engine)`;
  return new InventoryError('UninspectedContainer', message);
}

export function nothingStarted(uptimeMs: number): InventoryError {
  const message = `there is no container and no pod sandbox, and the node is up for ${formatDuration(uptimeMs)} alone, so that its pods may be still to start: try again when it is up for 3 minutes`;
  return new InventoryError('NothingStarted', message);
}

/** Says which containers run on an image that is in no list. */
export function describeMissingImages(containers: readonly Container[]): string {
  const shown = containers.slice(0, 3).map(({ name, imageId, references }) => `${name} (${imageId ?? references[0]})`);
  const more = containers.length > shown.length ? ` and ${containers.length - shown.length} more` : '';
  return `the image of ${shown.join(', ')}${more} is not listed: somebody removed it while the container was there; pull it again if the container is to start again`;
}
