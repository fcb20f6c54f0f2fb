import { podMetadata } from '../../pods/metadata.ts';
import { noPrivileges, noRequests, placePod } from '../../pods/placement.ts';
import type { PlacedNode, PodOrder, PodTemplate } from '../../pods/pod-template.ts';
import { ownPriorityClass } from '../../pods/priority.ts';
import type { Toleration } from '../../pods/tolerations.ts';
import type { Run } from '../../run/run.ts';
import type { PrepullPolicy } from '../policy.ts';
import { removesNext } from '../removal/due.ts';
import { buildRemover } from '../removal/pod.ts';
import { containerName, prepareContainer } from '../states/container-names.ts';
import type { WantedImage } from '../wanted.ts';
import { memoryOf } from './memory.ts';
import { type NextImages, nextImages } from './next-images.ts';

/** The order for a puller. */
export interface PullerOrder extends PodOrder {
  readonly run: Run & { readonly spec: PrepullPolicy };
}

/** A pod for a node that has, or is about to have, all of its images. */
export class NothingToPullError extends Error {
  override readonly name = 'NothingToPullError';
}

/** The directory that the containers share. */
const sharedPath = '/nodesweep';

/** The next pod on a node: it pulls images, or it removes those that no list wants there any more. */
export function buildPod(order: PullerOrder, node: PlacedNode, template: PodTemplate) {
  const { run, memory, references } = order;
  const isAsked =
    run.trigger.type === 'Purge' || memoryOf(memory).removing !== undefined || (references.due ?? []).length > 0;
  const isRemover = isAsked && removesNext(run, node, memory);
  return isRemover ? buildRemover(order, node, template) : buildPuller(order, node, template);
}

/**
 * The puller for the next images of a node. The kubelet pulls an image for each container; the containers run an executable of
 * ours in place of anything in the images. Throws a {@link NothingToPullError} if no image is left for the node.
 */
export function buildPuller(order: PullerOrder, node: PlacedNode, template: PodTemplate) {
  const { run, memory } = order;
  const next = nextImages(node, run.spec, memoryOf(memory));
  const { images } = next;
  if (images.length === 0)
    throw new NothingToPullError(`no list of policy ${run.policy} wants a further image on node ${node.name} any more`);
  const place = {
    node: node.name,
    priorityClassName: template.priorityClassName ?? ownPriorityClass,
    activeDeadlineSeconds: run.spec.activeDeadlineSeconds,
    // No container has work that must be finished.
    terminationGracePeriodSeconds: 1,
    tolerations: tolerationsFor(images, run.spec),
    imagePullSecrets: [...new Set(images.flatMap(({ secrets }) => secrets))],
  };
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: podMetadata('puller', order, node.name, template),
    spec: {
      ...placePod(place, template),
      // All that the Pod Security Standard "restricted" asks for. The users of the images do not count.
      securityContext: {
        runAsUser: 65_534,
        runAsGroup: 65_534,
        runAsNonRoot: true,
        seccompProfile: { type: 'RuntimeDefault' },
      },
      initContainers: [buildPrepare(next, run.spec, template)],
      containers: images.map((image) => buildContainer(image, next)),
      volumes: [{ name: 'shared', emptyDir: {} }],
    },
  };
}

/** The first container. A pod that only holds images needs no space, so it does not look at the disk. */
function buildPrepare({ isHolding }: NextImages, { disk }: PrepullPolicy, template: PodTemplate) {
  const limit = isHolding ? [] : ['--max-percent', String(disk.maxPercent)];
  return {
    name: prepareContainer,
    image: template.image,
    imagePullPolicy: 'IfNotPresent',
    args: ['prepare', '--directory', sharedPath, '--report', '/dev/termination-log', ...limit],
    resources: {
      requests: { ...noRequests, ...template.requests },
      limits: { memory: '128Mi', ...template.limits },
    },
    securityContext: noPrivileges,
    volumeMounts: [{ name: 'shared', mountPath: sharedPath }],
  };
}

/** The container of an image. Limits would add up over all images of the pod, and it only ends. */
function buildContainer({ index, reference, pullPolicy }: WantedImage, { isHolding }: NextImages) {
  return {
    name: containerName(index),
    image: reference,
    imagePullPolicy: isHolding ? 'Never' : pullPolicy,
    command: [`${sharedPath}/done`],
    // The image may have a directory that this user can't enter.
    workingDir: '/',
    resources: { requests: noRequests },
    securityContext: noPrivileges,
    volumeMounts: [{ name: 'shared', mountPath: sharedPath, readOnly: true }],
  };
}

/** All taints that the lists of the images tolerate. */
function tolerationsFor(images: readonly WantedImage[], { lists }: PrepullPolicy): readonly Toleration[] {
  const wanting = new Set(images.flatMap((image) => image.lists));
  const tolerations = lists.filter(({ name }) => wanting.has(name)).flatMap(({ nodes }) => nodes.tolerations);
  return [...new Map(tolerations.map((toleration) => [JSON.stringify(toleration), toleration])).values()];
}
