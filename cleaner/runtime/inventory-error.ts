import { formatDuration } from '../../contract/duration.ts';
import type { Container } from './runtime.ts';

type Reason =
  | 'ContainersCutShort'
  | 'ImagesCutShort'
  | 'UnresolvedContainer'
  | 'UninspectedContainer'
  | 'NothingStarted';

/** The answers of the runtime contradict each other, so no image is known to be unused. */
export class InventoryError extends Error {
  override readonly name = 'InventoryError';
  readonly reason: Reason;

  constructor(reason: Reason, message: string) {
    super(`${message}; therefore nothing was removed`);
    this.reason = reason;
  }
}

export function missingOwnContainer(podUid: string): InventoryError {
  const message = `the list of containers is incomplete, because it lacks the container of this pod (uid ${podUid}): check that CONTAINER_RUNTIME_ENDPOINT is the socket of the runtime that the kubelet uses`;
  return new InventoryError('ContainersCutShort', message);
}

export function noContainers(readySandboxes: number): InventoryError {
  const message = `the list of containers is empty although ${readySandboxes} pod sandboxes are ready: check the containers and pods on the node ("crictl ps -a", "crictl pods")`;
  return new InventoryError('ContainersCutShort', message);
}

export function noImages(containers: number): InventoryError {
  const message = `the list of images is empty although there are ${containers} containers: check the images on the node ("crictl images", or "docker images" on Docker Engine)`;
  return new InventoryError('ImagesCutShort', message);
}

export function unresolvedContainer({ id, name }: Container, references: readonly string[]): InventoryError {
  const from =
    references.length === 0 ? 'names no image' : `uses ${references.join(', ')}, which is not an image on this node`;
  const message = `container ${name} (${id}) ${from}: remove the container if nobody needs it ("crictl rm ${id}", or "docker rm" on Docker Engine)`;
  return new InventoryError('UnresolvedContainer', message);
}

export function uninspectedContainer({ id, name }: Container): InventoryError {
  const message = `container ${name} (${id}) is in the list, but can't be inspected: check it on the node ("crictl inspect ${id}", or "docker inspect" on Docker Engine)`;
  return new InventoryError('UninspectedContainer', message);
}

export function nothingStarted(uptimeMs: number): InventoryError {
  const message = `there is no container and no pod sandbox, and the node started only ${formatDuration(uptimeMs)} ago, so its pods may not have started yet: try again 3 minutes after its start`;
  return new InventoryError('NothingStarted', message);
}
