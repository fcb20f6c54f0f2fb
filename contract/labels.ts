import { createHash } from 'node:crypto';

/** The labels and annotations of all objects that the scheduler reads or creates. */
export const label = {
  kind: 'nodesweep.io/kind',
  policy: 'nodesweep.io/policy',
  run: 'nodesweep.io/run',
  node: 'nodesweep.io/node',
} as const;

export const annotation = {
  /** The full name of the node. The label may hold a shortened name. */
  node: 'nodesweep.io/node-name',
  /** The number of this attempt on the node, from 0. */
  attempt: 'nodesweep.io/attempt',
  /** The references of the pods bound to the node of a cleaner pod, packed. */
  boundReferences: 'nodesweep.io/bound-references',
  /** The references that image lists keep on the node of a cleaner pod, packed. */
  prepulledReferences: 'nodesweep.io/prepulled-references',
  /** The references of the images that a cleaner pod removes from its node, and no others, packed. */
  removeReferences: 'nodesweep.io/remove-references',
  /** The answers of registries about the images of the node of a cleaner pod, packed. */
  pullVerdicts: 'nodesweep.io/pull-verdicts',
  /** The job of a cleaner pod that has one of its own. */
  job: 'nodesweep.io/job',
  runAt: 'nodesweep.io/run-at',
  resumeAt: 'nodesweep.io/resume-at',
  purgeAt: 'nodesweep.io/purge-at',
  /** The time of the last complete look of a producer at its source, on an image set. ISO 8601. */
  setUpdatedAt: 'nodesweep.io/updated-at',
} as const;

export type Kind =
  | 'policy'
  | 'image-set'
  | 'image-set-memory'
  | 'run'
  | 'job'
  | 'status'
  | 'lists'
  | 'cleaner'
  | 'puller'
  | 'plan';

const maxLabelLength = 63;

/** A label value for any name: the name if it is short enough, otherwise its beginning and a hash. */
export function labelValue(name: string): string {
  return name.length <= maxLabelLength ? name : `${name.slice(0, maxLabelLength - 11)}-${hash(name, 10)}`;
}

/** `length` (at most 12) characters of a hash, usable in object names and label values. */
export function hash(text: string, length: number): string {
  const bits = createHash('sha256').update(text).digest().readBigUInt64BE();
  return bits.toString(36).padStart(13, '0').slice(-length);
}

/** The labels of an object of a policy, with the recommended ones. */
export function labelsOf(kind: Kind, policy: string, run?: string): Record<string, string> {
  return {
    'app.kubernetes.io/name': 'nodesweep',
    'app.kubernetes.io/component': kind,
    'app.kubernetes.io/part-of': 'nodesweep',
    'app.kubernetes.io/managed-by': 'nodesweep',
    [label.kind]: kind,
    [label.policy]: labelValue(policy),
    ...(run === undefined ? {} : { [label.run]: run }),
  };
}

const namePattern = /^[A-Za-z0-9](?:[-A-Za-z0-9_.]*[A-Za-z0-9])?$/;
const nameAdvice = 'must consist of letters, digits, "-", "_" and ".", and begin and end with a letter or digit';
const subdomainPattern = /^[a-z0-9](?:[-a-z0-9]*[a-z0-9])?(?:\.[a-z0-9](?:[-a-z0-9]*[a-z0-9])?)*$/;
const maxSubdomainLength = 253;

/**
 * The reason why the API server refuses a text as the key of a label, taint or toleration; undefined if the API server
 * accepts it. A key is a qualified name (`IsQualifiedName` of k8s.io/apimachinery).
 */
export function labelKeyProblem(key: string): string | undefined {
  const [name = '', prefix, ...others] = key.split('/').reverse();
  if (others.length > 0) return 'must have at most one "/", after a DNS name';
  if (prefix === undefined) return nameProblem(name);
  return prefixProblem(prefix) ?? (name === '' ? 'must have a name after "/"' : nameProblem(name));
}

/** The reason why the API server refuses a text as the value of a label; undefined if the API server accepts it. */
export function labelValueProblem(value: string): string | undefined {
  return value === '' ? undefined : nameProblem(value);
}

/** As {@link labelKeyProblem}, for the key of an annotation. Its prefix may have upper-case letters. */
export function annotationKeyProblem(key: string): string | undefined {
  // The lower case of U+0130 has one character in Go, and two in JavaScript.
  return labelKeyProblem(key.replaceAll('\u0130', 'i').toLowerCase());
}

/** The reason why the API server refuses a text as the name of an object like a Secret; undefined if it accepts it. */
export function objectNameProblem(name: string): string | undefined {
  if (name.length <= maxSubdomainLength && subdomainPattern.test(name)) return undefined;
  return `must be a name of at most ${maxSubdomainLength} lower-case letters, digits, "-" and ".", that begins and ends with a letter or digit`;
}

function prefixProblem(prefix: string): string | undefined {
  if (prefix.length > maxSubdomainLength) return `must have at most ${maxSubdomainLength} characters before "/"`;
  if (subdomainPattern.test(prefix)) return undefined;
  return 'must have a DNS name before "/": lower-case letters, digits, "-" and ".", as in example.com/name';
}

function nameProblem(name: string): string | undefined {
  if (name === '') return 'must not be empty';
  if (name.length > maxLabelLength) return `must have at most ${maxLabelLength} characters, not counting a prefix`;
  return namePattern.test(name) ? undefined : nameAdvice;
}
