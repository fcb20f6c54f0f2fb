import { createHash } from 'node:crypto';

/** The labels and annotations of everything the scheduler reads and makes. */
export const label = {
  kind: 'nodesweep.io/kind',
  policy: 'nodesweep.io/policy',
  run: 'nodesweep.io/run',
  node: 'nodesweep.io/node',
} as const;

export const annotation = {
  /** The full name of the node, which its label may have to shorten. */
  node: 'nodesweep.io/node-name',
  /** Which try on its node a cleaner pod is, from 0. */
  attempt: 'nodesweep.io/attempt',
  /** The references of the pods bound to the node of a cleaner pod, packed. */
  boundReferences: 'nodesweep.io/bound-references',
  runAt: 'nodesweep.io/run-at',
  resumeAt: 'nodesweep.io/resume-at',
} as const;

export type Kind = 'policy' | 'run' | 'job' | 'status' | 'cleaner' | 'plan';

const maxLabelLength = 63;

/** A label value for any name: itself where it fits, else its beginning and a hash. */
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
