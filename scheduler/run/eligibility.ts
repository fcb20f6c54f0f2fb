import type { Node } from '../objects.ts';
import { tolerates } from '../pods/tolerations.ts';
import type { Policy } from '../policy/policy.ts';
import type { Trigger } from '../policy/trigger.ts';
import type { Run } from './run.ts';

export type NodeSelection = Policy['nodes'];

export type Eligibility =
  | { readonly verdict: 'Eligible' }
  /** The policy's selector leaves the node out; it is none of the run's nodes. */
  | { readonly verdict: 'NotSelected' }
  /** The policy means the node, but it can get no pod now; it is reported. */
  | { readonly verdict: 'Ineligible'; readonly reason: string; readonly message: string };

/** Decides if a run with such a trigger gets a pod on a node now: disk pressure means only the nodes that are under it. */
export function eligibilityFor(
  { kind, spec }: Pick<Run, 'kind' | 'spec'>,
  trigger: Trigger['type'],
  node: Node,
): Eligibility {
  if (trigger === 'Pressure' && node.diskPressure !== true) return { verdict: 'NotSelected' };
  return kind.judgeNode(node, spec);
}

/** A constraint on a node: undefined where it is met, else the reason and its explanation. */
type Constraint = (node: Node, selection: NodeSelection) => { reason: string; message: string } | undefined;

const constraints: readonly Constraint[] = [isLinux, isRealNode, isReady, isSchedulable, isTolerated];

/** Reasons that lie in what a node is: no run can work on it, and nobody has to do anything about it. */
export const permanentReasons: ReadonlySet<string> = new Set(['UnsupportedOperatingSystem', 'NodeUnsupported']);

/** Decides if a pod of any kind can be placed on a node now, by what every kind of policy says of nodes. */
export function judgeNode(node: Node, selection: NodeSelection): Eligibility {
  if (!isSelected(node, selection)) return { verdict: 'NotSelected' };
  for (const constraint of constraints) {
    const refusal = constraint(node, selection);
    if (refusal !== undefined) return { verdict: 'Ineligible', ...refusal };
  }
  return { verdict: 'Eligible' };
}

function isSelected({ labels }: Node, selection: NodeSelection): boolean {
  return (
    Object.entries(selection.matchLabels).every(([key, value]) => labelOf(labels, key) === value) &&
    selection.matchExpressions.every(({ key, operator, values }) => {
      const value = labelOf(labels, key);
      switch (operator) {
        case 'In':
          return value !== undefined && values.includes(value);
        case 'NotIn':
          return value === undefined || !values.includes(value);
        case 'Exists':
          return value !== undefined;
        case 'DoesNotExist':
          return value === undefined;
        default:
          return operator satisfies never;
      }
    })
  );
}

/** A key may be the name of something that every object has, such as `constructor`. */
function labelOf(labels: Node['labels'], key: string): string | undefined {
  return Object.hasOwn(labels, key) ? labels[key] : undefined;
}

function isLinux({ labels, operatingSystem }: Node) {
  const system = labels['kubernetes.io/os'] ?? operatingSystem ?? 'linux';
  return system === 'linux' ? undefined : { reason: 'UnsupportedOperatingSystem', message: `the node runs ${system}` };
}

/** Labels of nodes that are no machines: pods run elsewhere, without a runtime or a directory that they share. */
const virtualNodeLabels = [
  ['eks.amazonaws.com/compute-type', 'fargate', 'an AWS Fargate node'],
  ['type', 'virtual-kubelet', 'a virtual node'],
  ['node.kubernetes.io/instance-type', 'eklet', 'a virtual node of Tencent Cloud'],
  ['liqo.io/type', 'virtual-node', 'a virtual node of Liqo'],
] as const;

/** Taints that Virtual Kubelet and EKS give their nodes. */
const virtualNodeTaints: ReadonlySet<string> = new Set([
  'virtual-kubelet.io/provider',
  'eks.amazonaws.com/compute-type',
]);

function isRealNode({ labels, taints }: Node) {
  const [, , kind] = virtualNodeLabels.find(([key, value]) => labels[key] === value) ?? [];
  const taint = taints.find(({ key }) => virtualNodeTaints.has(key));
  const found = kind ?? (taint && `a virtual node (taint ${taint.key}=${taint.value ?? ''})`);
  if (found === undefined) return undefined;
  return { reason: 'NodeUnsupported', message: `it is ${found}, which has no runtime that a pod can reach` };
}

function isSchedulable(node: Node, selection: NodeSelection) {
  if (!node.unschedulable || selection.includeUnschedulable) return undefined;
  return { reason: 'Unschedulable', message: 'the node is cordoned, and the policy leaves such nodes out' };
}

/** PreferNoSchedule keeps no pod away, as for the Kubernetes scheduler. */
function isTolerated(node: Node, selection: NodeSelection) {
  const taint = node.taints.find(
    (candidate) =>
      candidate.effect !== 'PreferNoSchedule' &&
      !ignoredTaints.has(candidate.key) &&
      !tolerates(selection.tolerations, candidate),
  );
  if (taint === undefined) return undefined;
  if (notReadyTaints.has(taint.key)) return notReady;
  return {
    reason: 'UntoleratedTaint',
    message: `the node has the taint ${taint.key}:${taint.effect}, which the policy does not tolerate`,
  };
}

/** The refusal of a node that comes back by itself, mostly after a restart. */
export const notReady = { reason: 'NotReady', message: 'the node is not ready' } as const;

/** Kubernetes takes these away a moment after the node has become ready. */
const notReadyTaints: ReadonlySet<string> = new Set(['node.kubernetes.io/not-ready', 'node.kubernetes.io/unreachable']);

function isReady(node: Node) {
  return node.ready ? undefined : notReady;
}

/**
 * A cordon shows as a taint too, but `includeUnschedulable` decides on it. A node under disk pressure is what cleaners are
 * for; pods of a DaemonSet always tolerate that one too.
 */
const ignoredTaints: ReadonlySet<string> = new Set([
  'node.kubernetes.io/unschedulable',
  'node.kubernetes.io/disk-pressure',
]);
