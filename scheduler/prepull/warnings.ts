import { compileGlobs, compileProtection } from '../../contract/images/glob.ts';
import { splitReference } from '../../contract/images/reference.ts';
import { isCleanup } from '../cleanup/kind.ts';
import type { CleanupPolicy } from '../cleanup/policy.ts';
import type { Problem } from '../policy/problem.ts';
import type { NamedPolicy } from '../run/kind.ts';
import type { ImageList } from './lists/image-list.ts';
import { mayOverlap } from './lists/label-domains.ts';
import type { PrepullPolicy } from './policy.ts';

/** The time after which an autoscaler by default gives up a node that is not ready to use (`max-node-provision-time`). */
const provisionSeconds = 900;

/** The disk usage above which a kubelet removes images by default (`imageGCHighThresholdPercent`). */
const kubeletHighPercent = 85;

/** Remarks about a valid policy, which may be meant as it is. `others` are the other policies of the same file. */
export function warningsOf(policy: PrepullPolicy, others: readonly NamedPolicy[]): Problem[] {
  const { lists, disk } = policy;
  const cleanups = others.flatMap((other) => (isCleanup(other) ? [{ name: other.name, policy: other.policy }] : []));
  return [
    ...lists.flatMap((list, index) => listWarnings(list, cleanups).map((warning) => below(`lists[${index}]`, warning))),
    ...diskWarnings(disk),
    ...startupWarnings(policy),
  ];
}

function below(path: string, problem: Problem): Problem {
  return { ...problem, path: `${path}.${problem.path}` };
}

interface NamedCleanup {
  readonly name: string;
  readonly policy: CleanupPolicy;
}

function listWarnings(list: ImageList, cleanups: readonly NamedCleanup[]): Problem[] {
  const including = cleanups
    .filter(({ policy }) => mayOverlap(policy.nodes, list.nodes))
    .map(({ name, policy }) => ({ name, includes: compileIncluded(policy) }));
  return list.images.flatMap((image, index) => {
    const names = including.filter(({ includes }) => includes(image)).map(({ name }) => name);
    return [tagWarning(image), digestWarning(image, list), cleanupWarning(names)]
      .filter((message) => message !== undefined)
      .map((message) => ({ path: `images[${index}]`, message }));
  });
}

function tagWarning(image: string): string | undefined {
  const { tag, digest } = splitReference(image);
  if (digest !== undefined || tag !== 'latest') return undefined;
  return 'has the tag latest, which moves, so nodes may have different versions; name a version or a digest';
}

function digestWarning(image: string, { imagePullPolicy }: ImageList): string | undefined {
  if (imagePullPolicy !== 'Always' || splitReference(image).digest === undefined) return undefined;
  return 'has a digest and is pulled once, because it can never change; imagePullPolicy Always has no effect on it';
}

function cleanupWarning(names: readonly string[]): string | undefined {
  if (names.length === 0) return undefined;
  return `is also included by ${names.join(' and ')}, where it is kept (Prepulled) only while it is in a list; exclude it there if it must stay longer`;
}

/** Returns a function that is true for the images that a cleanup policy may remove. */
function compileIncluded({ images }: CleanupPolicy): (image: string) => boolean {
  const [includes, excludes] = [compileGlobs(images.include), compileProtection(images.exclude)];
  return (image) => includes([image]) && !excludes([image]);
}

function diskWarnings({ maxPercent }: PrepullPolicy['disk']): Problem[] {
  if (maxPercent < kubeletHighPercent) return [];
  const message = `is not below ${kubeletHighPercent}, where kubelets begin to remove images by default, so a kubelet may remove what was pulled`;
  return [{ path: 'disk.maxPercent', message }];
}

function startupWarnings({ startupTaint, newNodes }: PrepullPolicy): Problem[] {
  if (startupTaint === undefined) return [];
  const late = `is not below ${provisionSeconds}, after which autoscalers by default replace a node that is not ready to use`;
  const idle =
    'lets new nodes wait for the next scheduled time, so most of them lose the startup taint by its timeout; leave newNodes out';
  return [
    ...(startupTaint.timeoutSeconds < provisionSeconds ? [] : [{ path: 'startupTaint.timeoutSeconds', message: late }]),
    ...(newNodes ? [] : [{ path: 'newNodes', message: idle }]),
  ];
}
