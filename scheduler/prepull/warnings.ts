import { compileGlobs, compileProtection } from '../../contract/glob.ts';
import { splitReference } from '../../contract/reference.ts';
import { isCleanup } from '../cleanup/kind.ts';
import type { CleanupPolicy } from '../cleanup/policy.ts';
import type { Problem } from '../policy/problem.ts';
import type { NamedPolicy } from '../run/kind.ts';
import type { ImageList } from './lists/image-list.ts';
import { mayOverlap } from './lists/label-domains.ts';
import type { PrepullPolicy } from './policy.ts';

/** The disk usage above which a kubelet removes images by default (`imageGCHighThresholdPercent`). */
const kubeletHighPercent = 85;

/** Remarks about a valid policy, which may be meant as it is. `others` are the other policies of the same file. */
export function warningsOf({ lists, disk }: PrepullPolicy, others: readonly NamedPolicy[]): Problem[] {
  const cleanups = others.flatMap((other) => (isCleanup(other) ? [{ name: other.name, policy: other.policy }] : []));
  return [
    ...lists.flatMap((list, index) => listWarnings(list, cleanups).map((warning) => below(`lists[${index}]`, warning))),
    ...diskWarnings(disk),
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
